import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { CLAIMS } from "experiments/noise/claims.ts";
import { NOISE } from "experiments/noise/experiment.ts";
import { noiseFigure } from "experiments/noise/figure.ts";
import { FLIPS, FULL } from "experiments/noise/settings.ts";
import type { NoiseSetting, Summary } from "experiments/noise/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { nameOf } from "lib/experiment/figure_parts.ts";
import { TINY } from "../reviews/tiny_settings.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const DRAWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Runs that never were: DPO falls with the flips, the others less or not. */
function madeUp(fallOf: (name: string) => number): Summary {
  const methods = FULL.methods.map((method) => {
    const name = nameOf(method);
    const byFlip = FLIPS.map((flip): NoiseSetting => {
      const reward = 2 - fallOf(name) * flip;
      const goldReward = DRAWS.map((draw) => reward + draw / 100);
      return {
        ...{ ...method, level: { flip }, flip, trajectory: [] },
        optimum: { reward, kl: 1 },
        runs: DRAWS.map((draw) => ({ draw, seed: 1 })),
        ends: {
          goldReward,
          kl: DRAWS.map(() => 1),
          broken: DRAWS.map(() => 0),
        },
      };
    });
    return { name, loss: method.loss, byFlip };
  });
  return { draws: DRAWS, seeds: [1], methods };
}

const verdictsOf = (summary: Summary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

Deno.test("claims are shown where DPO alone falls, and not where nothing does", () => {
  const falling = madeUp((name) => name === "dpo β 1" ? 4 : 0);
  deepEqual(verdictsOf(falling), CLAIMS.map(() => "shown"));
  deepEqual(verdictsOf(madeUp(() => 1)), CLAIMS.map(() => "not shown"));
  const others = madeUp((name) => name === "dpo β 1" ? 0 : 4);
  deepEqual(verdictsOf(others), CLAIMS.map(() => "opposite"));
});

Deno.test("one draw decides nothing except what is exact", () => {
  const summary = madeUp(() => 1);
  const one = {
    ...summary,
    draws: [0],
    methods: summary.methods.map((method) => ({
      ...method,
      byFlip: method.byFlip.map((setting) => ({
        ...setting,
        runs: setting.runs.slice(0, 1),
        ends: { goldReward: setting.ends["goldReward"]!.slice(0, 1) },
      })),
    })),
  };
  const found = judge(CLAIMS, one);
  for (const { n, verdict } of found) {
    equal(verdict, n === null ? "not shown" : "not testable");
  }
});

Deno.test("the title says what the exact numbers say", () => {
  const summary = madeUp((name) => name === "dpo β 1" ? 4 : 0.5);
  const { title, panels } = noiseFigure(summary, []);
  match(title, /1\.60 of reward from DPO's optimum and 0\.20 from KTO's/);
  for (const { data } of panels) {
    for (const { name } of summary.methods) {
      const shown = name.replace("dpo β 1 ε", "cDPO β 1 ε");
      ok(data.some((trace) => trace.name === shown), name);
    }
  }
});

Deno.test("the experiment, small, turns the labels that its levels say", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...TINY,
    draws: [0],
    seeds: [1],
    levels: [{ flip: 0 }, { flip: 0.4 }],
    methods: [{ loss: "dpo", options: { beta: 1 }, learningRate: 1e-3 }],
  };
  const small = experiment({
    ...NOISE,
    settings: { ...NOISE.settings, full: settings },
  });
  const { findings } = await small.run({
    ...{ quick: false, draws: null, seeds: null, device: "cpu", workers: 1 },
    watch: () => ({ update: () => {}, finish: () => {} }),
    out: join(folder.path, "noise"),
  });
  equal(findings.length, CLAIMS.length);
  const record = (name: string) =>
    JSON.parse(Deno.readTextFileSync(join(folder.path, "noise", name)));
  const [clean, flipped] = [0, 0.4].map((flip) =>
    record(`dpo-beta1-flip${flip}-draw0-seed1/run.json`).data[0].sha256
  );
  ok(clean !== flipped);
  const { optima } = record("exact/run.json").summary;
  deepEqual(optima.map((one: { flip: number }) => one.flip), [0, 0.4]);
});
