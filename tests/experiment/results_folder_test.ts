import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { recordRun, writeRun } from "lib/experiment/records.ts";
import {
  ResultsFolder,
  type ResultsFolderOptions,
} from "lib/experiment/results_folder.ts";
import { Clock } from "lib/record/record.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { TOY_SETTINGS } from "./toy_experiment.ts";

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

const [IDENTITY, OTHER] = [{ experiment: "toy" }, { experiment: "other" }];
const { methods, draws, seeds, levels } = TOY_SETTINGS;
const GRID = { methods, draws, seeds, levels };
const POINT = { ...methods[0]!, level: {}, draw: 0, seed: 1 };
const RUN = recordRun({ point: POINT }, {
  ...{ rows: [{ step: 1, gain: 2 }], summary: {} },
  timings: new Clock().timings(),
}, {
  ...{ experiment: "toy", settings: TOY_SETTINGS, device: "cpu" },
  provenance: null,
});

function open(path: string, options: Partial<ResultsFolderOptions> = {}) {
  const all = { identity: IDENTITY, grid: GRID, replace: false, ...options };
  return ResultsFolder.open(path, all);
}

/** Publishes results with some files. */
async function publish(
  path: string,
  names: readonly string[],
  options: Partial<ResultsFolderOptions> = {},
): Promise<void> {
  await using results = await open(path, options);
  for (const name of names) {
    Deno.writeTextFileSync(join(results.path, name), "");
  }
  await results.publish();
}

Deno.test("results appear as a whole, and replace older ones when told to", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "deep", "results");
  await publish(out, ["summary.json", "figure.json"]);
  deepEqual(namesIn(out), ["experiment.json", "figure.json", "summary.json"]);
  await rejects(open(out, { identity: OTHER }), {
    message: `Cannot write results to ${out}: it holds finished results, ` +
      'but experiment was "toy", now it is "other"; ' +
      "give another --out, or --replace",
  });
  await publish(out, ["summary.json"], { identity: OTHER, replace: true });
  deepEqual(namesIn(out), ["experiment.json", "summary.json"]);
  deepEqual(namesIn(join(folder.path, "deep")), ["results"]);
});

Deno.test("finished results of the same identity are known as such", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "results");
  await publish(out, ["summary.json"]);
  {
    await using results = await open(out);
    equal(results.isFinished, true);
  }
  {
    await using results = await open(out, { replace: true });
    equal(results.isFinished, false);
  }
  deepEqual(namesIn(folder.path), ["results"]);
});

Deno.test("results keep files of others, and no earlier run", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "results");
  await publish(out, ["summary.json"]);
  await writeRun(out, RUN);
  for (const name of ["figure.png", ".figure.json.0.tmp"]) {
    Deno.writeTextFileSync(join(out, name), "mine");
  }
  await publish(out, ["summary.json"], { replace: true });
  deepEqual(namesIn(out), ["experiment.json", "figure.png", "summary.json"]);
  equal(Deno.readTextFileSync(join(out, "figure.png")), "mine");
});

Deno.test("results that are not published leave older ones as they are", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "results");
  await publish(out, ["summary.json"]);
  await rejects(async () => {
    await using results = await open(out, { replace: true });
    equal(namesIn(results.path).join(), "experiment.json");
    throw new Error("crash");
  }, /crash/);
  deepEqual(namesIn(out), ["experiment.json", "summary.json"]);
  deepEqual(namesIn(folder.path), ["results"]);
});

Deno.test("finished runs wait for the next process of the same identity", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "results");
  const { name } = RUN.record;
  {
    await using results = await open(out);
    await writeRun(results.path, RUN);
  }
  const part = join(folder.path, ".results.part");
  deepEqual(namesIn(folder.path), [".results.part"]);
  await rejects(open(out, { identity: OTHER }), {
    message: `Cannot write results to ${out}: .results.part beside it holds ` +
      'unfinished results, but experiment was "toy", now it is "other"; ' +
      "give another --out, or --replace",
  });
  for (const each of ["half", "summary.json", `${name}.0.tmp`]) {
    Deno.mkdirSync(join(part, each));
  }
  {
    await using results = await open(out);
    deepEqual(
      [...await results.finishedRuns([{ point: POINT }, { draw: 0 }])],
      [name],
    );
    deepEqual(namesIn(part), [name, "experiment.json"].toSorted());
  }
  {
    await using results = await open(out, { identity: OTHER, replace: true });
    deepEqual([...await results.finishedRuns([{ point: POINT }])], []);
  }
  deepEqual(namesIn(folder.path), []);
});

const DAMAGES: Readonly<Record<string, (run: string) => void>> = {
  "no record": (run) => Deno.removeSync(join(run, "run.json")),
  "no metrics": (run) => Deno.removeSync(join(run, "metrics.jsonl")),
  "an empty record": (run) => Deno.truncateSync(join(run, "run.json")),
  "a record that is cut": (run) => Deno.truncateSync(join(run, "run.json"), 99),
  "other metrics": (run) =>
    Deno.writeTextFileSync(join(run, "metrics.jsonl"), '{"step":1}\n'),
  "another name": (run) => {
    const path = join(run, "run.json");
    const text = Deno.readTextFileSync(path);
    const { name } = RUN.record;
    Deno.writeTextFileSync(path, text.replaceAll(`"${name}"`, '"other"'));
  },
};

for (const [damage, cause] of Object.entries(DAMAGES)) {
  Deno.test(`a run with ${damage} is not kept`, async () => {
    using folder = temporaryFolder();
    const { name } = RUN.record;
    await using results = await open(join(folder.path, "results"));
    await writeRun(results.path, RUN);
    cause(join(results.path, name));
    deepEqual([...await results.finishedRuns([{ point: POINT }])], []);
    deepEqual(namesIn(results.path), ["experiment.json"]);
  });
}

Deno.test("a move that was interrupted is ended", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "results");
  const old = join(folder.path, ".results.old");
  await publish(out, ["summary.json"]);
  Deno.renameSync(out, old); // before the new results came
  {
    await using results = await open(out);
    equal(results.isFinished, true);
  }
  Deno.mkdirSync(old); // after they came
  {
    await using results = await open(out);
    equal(results.isFinished, true);
  }
  deepEqual(namesIn(folder.path), ["results"]);
});

Deno.test("values that runs share are kept until the results are complete", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "results");
  const made: number[] = [];
  for (const i of [1, 2]) {
    await using results = await open(out);
    await results.finishedRuns([]);
    const value = await results.kept("shared", () => {
      made.push(i);
      return Promise.resolve(i);
    });
    equal(value, 1);
    Deno.mkdirSync(join(results.live, "a run under way"), { recursive: true });
    if (i === 1) continue;
    Deno.writeTextFileSync(join(results.path, "summary.json"), "");
    await results.publish();
  }
  deepEqual(made, [1]);
  deepEqual(namesIn(out), ["experiment.json", "summary.json"]);
});

Deno.test("one process at a time writes results", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "results");
  await using _first = await open(out);
  await rejects(open(out), /another run is writing there/);
  deepEqual(namesIn(folder.path), [".results.lock", ".results.part"]);
});

Deno.test("a folder of something else is not replaced", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(join(folder.path, "thesis.tex"), "");
  for (const replace of [false, true]) {
    await rejects(
      open(folder.path, { replace }),
      /Cannot write results to .*: it holds thesis.tex but no summary.json, expected an empty folder or older results/,
    );
  }
  equal(namesIn(folder.path).join(), "thesis.tex");
});

Deno.test("a place that cannot be written is an error at once", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "file");
  Deno.writeTextFileSync(file, "");
  await rejects(
    open(join(file, "results")),
    /Cannot write results to .*file/,
  );
});
