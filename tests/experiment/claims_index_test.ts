import { match, rejects, strictEqual } from "node:assert/strict";
import { claimsIndex } from "lib/experiment/claims_index.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const FINDING = {
  ...{ claim: "It rises", source: "Paper, table 1", reported: "2 nats" },
  ...{ found: "1.5 nats", verdict: "shown", why: "It is at least δ." },
};

Deno.test("all claims are listed with the verdict on other draws", async () => {
  using folder = temporaryFolder();
  const write = async (name: string, files: Record<string, unknown>) => {
    await Deno.mkdir(`${folder.path}/${name}`);
    for (const [file, json] of Object.entries(files)) {
      const path = `${folder.path}/${name}/${file}.json`;
      await Deno.writeTextFile(path, JSON.stringify(json));
    }
  };
  const other = { ...FINDING, claim: "It falls", verdict: "not shown" };
  const repeat = { statement: "It falls", verdict: "opposite" };
  await write("two", {
    figure: { findings: [FINDING, other] },
    repeat: { claims: [{ repeat }] },
  });
  await write("none", { figure: {} });
  const index = await claimsIndex(folder.path, ["missing", "none", "two"]);
  const [, first, all] = index.split(/^\*\*.*\*\*$/m);
  strictEqual(first!.match(/^\| It/gm)?.length, 1);
  strictEqual(all!.match(/^\| It/gm)?.length, 2);
  match(
    first!,
    /It rises .* shown .* – .* \[two\]\(\/experiments\/two\/README\.md\)/,
  );
  match(all!, /It falls .* 2 nats .* 1\.5 nats .* not shown .* opposite/);

  await write("broken", { figure: { findings: [{ claim: 1 }] } });
  await rejects(
    claimsIndex(folder.path, ["broken"]),
    /Cannot read .*broken.figure\.json/,
  );
});
