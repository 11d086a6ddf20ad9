import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { findResults } from "lib/report/find_results.ts";
import { writeReport } from "lib/report/report.ts";
import { checkout } from "../places.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { copyRun, putExperiment } from "./stored_results.ts";

/** A folder with an experiment, a training run and whatever else lies there. */
async function results() {
  const folder = temporaryFolder();
  const place = (name: string) => join(folder.path, name);
  await copyRun("results/smollm2-dpo", place("deep/smollm2"));
  await putExperiment(place("taught"), "results/taught");
  await putExperiment(place(".hidden.part"), "results/taught");
  await Deno.mkdir(place("empty"));
  await Deno.symlink(place("taught"), place("link"));
  return { place, ...folder, [Symbol.dispose]: folder[Symbol.dispose] };
}

async function report(folders: readonly string[], out: string) {
  const defects: string[] = [];
  const onDefect = (reason: string) => defects.push(reason);
  const all = await findResults(folders);
  const shown = await writeReport(all, { out, onDefect });
  const index = await Deno.readTextFile(join(out, "index.html"));
  return { index, shown, defects };
}

Deno.test("findResults() finds each once, and neither hidden ones nor links", async () => {
  using t = await results();
  deepStrictEqual(await findResults([t.path, t.place("taught")]), [
    { kind: "run", folder: t.place("deep/smollm2") },
    { kind: "experiment", folder: t.place("taught") },
  ]);
  deepStrictEqual(await findResults([t.place("empty")]), []);
});

Deno.test("a report lists each result with a link to its page, newest first", async () => {
  using t = await results();
  const { index, shown, defects } = await report([t.path], t.place("out"));
  deepStrictEqual([shown, defects], [2, []]);
  const [list, claims] = index.split("Claims and verdicts");
  const links = [...list!.matchAll(/<a href="([^"]*)">(.*)<\/a>/g)]
    .map(([, page, title]) => ({ page: page!, title: title! }));
  deepStrictEqual(links.length, 2);
  for (const { page, title } of links) {
    const html = await Deno.readTextFile(t.place(`out/${page}`));
    ok(html.includes(`<h1>${title}</h1>`));
    ok(html.includes('<nav><a href="index.html">All results</a></nav>'));
    match(
      html,
      /<dt>made again by<\/dt><dd>deno task reproduce \S+<\/dd>\n<dt>commit<\/dt><dd>[\da-f]{40}<\/dd>/,
    );
    match(html, /<dt>time<\/dt><dd>[\d.]+ (seconds|minutes), begun 20\d\d-/);
  }
  const own = await Deno.readTextFile(t.place(`out/${links[1]!.page}`));
  match(own, /<dt>weights<\/dt><dd>smollm2, SHA-256 [\da-f]{64}<\/dd>/);
  match(own, /<dt>examples<\/dt><dd>train: dpo_en_demo\.json, SHA-256 /);
  match(own, /<pre>\{[^<]*&quot;loss&quot;: &quot;dpo&quot;/);
  match(links[0]!.page, /taught\.html$/);
  deepStrictEqual(claims!.split(`<a href="${links[0]!.page}">`).length, 5);
  match(
    index,
    /no model.*\n<td data-unit="runs">14<\/td>\n<td><span class="verdict shown">4 shown<\/span><\/td>\n<td>20\d\d-\d\d-\d\d/,
  );
  match(
    index,
    /smollm2<small>dpo_en_demo\.json<\/small><\/td>\n<td data-unit="run">1</,
  );
  ok(index.length < 30_000, "the index has no plots, so no Plotly");
});

Deno.test("results of one name have pages of their own, and results stay as they are", async () => {
  using t = temporaryFolder();
  for (const name of ["a/index", "b/index"]) {
    await copyRun("results/smollm2-dpo", join(t.path, name));
  }
  const cwd = Deno.cwd();
  const out = join(t.path, "out");
  try {
    Deno.chdir(join(t.path, "a"));
    strictEqual((await report([".", "../b"], out)).shown, 2);
  } finally {
    Deno.chdir(cwd);
  }
  const pages = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
  deepStrictEqual(pages, ["b-index.html", "index-2.html", "index.html"]);
  const names = [...Deno.readDirSync(join(t.path, "a/index"))];
  strictEqual(names.length, 2);
});

Deno.test("a report tells of results that it cannot show, and shows the others", async () => {
  using t = await results();
  await Deno.writeTextFile(t.place("deep/smollm2/run.json"), "{");
  await copyRun("results/taught/orpo-start0-draw0-seed0", t.place("run"));
  const { shown, defects } = await report([t.path], t.place("out"));
  strictEqual(shown, 1);
  match(defects[0]!, /smollm2 has no page: Cannot read .*run\.json: expected/);
  match(defects[1]!, /run has no page: .* its kind is "experiment", expected/);
  strictEqual(defects.length, 2);
});

Deno.test("a report of the same results has the same bytes", async () => {
  using t = temporaryFolder();
  const pages = await Promise.all(["x", "y"].map(async (name) => {
    const out = join(t.path, name);
    await report([checkout("results/taught")], out);
    const names = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
    return names.map((name) => [name, Deno.readTextFileSync(join(out, name))]);
  }));
  deepStrictEqual(pages[0], pages[1]);
});
