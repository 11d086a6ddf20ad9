import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { lossOf, methodLosses } from "lib/experiment/method_losses.ts";
import { findLoss } from "lib/losses/registry.ts";
import { sha256 } from "lib/record/sha256.ts";
import { OWN } from "../scripts/own_loss.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("methods of one file share its loss, beside known ones", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "halved.ts");
  await Deno.writeTextFile(path, OWN);
  const file = { path, code: [sha256(OWN)] };
  const mine = { loss: "halved", file };
  const losses = await methodLosses([{ loss: "dpo" }, mine, mine]);
  equal(lossOf(losses, { loss: "dpo" }).loss, findLoss("dpo"));
  const { loss, code } = lossOf(losses, mine);
  equal(loss.id, "halved");
  deepEqual(code, file.code);
  throws(() => lossOf(losses, { loss: "kto" }), /expected one of dpo, halved/);
});

Deno.test("a loss's file of other contents, with another loss or without one is refused", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "halved.ts");
  await Deno.writeTextFile(path, OWN);
  const file = { path, code: [sha256(OWN)] };
  const other = { path: join(folder.path, "none.ts"), code: [sha256("")] };
  await rejects(methodLosses([{ loss: "mine", file }]), {
    message: `Cannot use ${path} as the loss "mine": its "id" is "halved"`,
  });
  await rejects(
    methodLosses([{ loss: "halved", file: { path, code: [sha256("")] } }]),
    { message: /its contents are no longer those that the runs began with$/ },
  );
  await rejects(
    methodLosses([{ loss: "none", file: other }]),
    /^Error: Cannot use .*none.ts as a loss: No such file/,
  );
  await rejects(
    methodLosses([{ loss: "halved", file }, { loss: "halved", file: other }]),
    /Cannot tell the loss "halved" of .*halved.ts from that of .*none.ts/,
  );
});
