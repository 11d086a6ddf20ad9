import { deepEqual, equal, ok } from "node:assert/strict";
import { CLAIMS } from "experiments/taught/claims.ts";
import { taughtFigure } from "experiments/taught/figure.ts";
import { formOf, FORMS } from "experiments/taught/forms.ts";
import { createJobs } from "experiments/taught/jobs.ts";
import { pairwiseOptimum } from "experiments/taught/pairwise_optimum.ts";
import { choice } from "experiments/reviews/grammar.ts";
import {
  encode,
  goldReward,
  preferenceProbability,
} from "experiments/reviews/world.ts";
import { optimum } from "lib/loss_tools/optimum.ts";
import { findLoss } from "lib/losses/registry.ts";
import { expectation, klDivergence } from "lib/stats/distribution.ts";
import { SETTINGS } from "experiments/taught/settings.ts";
import type { Summary } from "experiments/taught/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { gridPoints } from "lib/experiment/grid.ts";
import { assertClose } from "../assert_close.ts";

const { jobs } = await createJobs({ settings: SETTINGS, device: "cpu" });

async function endOf(loss: string, start: number): Promise<number> {
  const point = gridPoints(SETTINGS).find((each) =>
    each.loss === loss && each.level["start"] === start
  )!;
  const { rows } = await jobs.run({ point, start: null, data: null });
  return rows.at(-1)!["logOdds"]!;
}

Deno.test("DPO ends at the odds of the labels times those of its reference", async () => {
  // log(0.8/0.2) + log(π_ref(w)/π_ref(l)), by DPO, eq. 4 and 5, at β 1.
  const ends = [await endOf("dpo", 0), await endOf("dpo", 1)];
  assertClose(ends, [Math.log(4 / 3), Math.log(4 * 3)], { tolerance: 2e-2 });
});

Deno.test("the turned form ends at the inverse, the one of the rejected stays", async () => {
  assertClose([await endOf("dpo-turned", 0)], [Math.log(1 / 12)], {
    tolerance: 2e-2,
  });
  assertClose([await endOf("dpo-rejected", 0)], [Math.log(1 / 3)]);
});

Deno.test("the pairwise form ends at the odds of the labels, whatever its reference", async () => {
  for (const start of [0, 1]) {
    assertClose([await endOf("kto-pairwise", start)], [Math.log(4)], {
      tolerance: 2e-2,
    });
  }
});

Deno.test("the figure shows each form beside the paper's", () => {
  const flows = SETTINGS.methods.flatMap(({ loss }) =>
    [0, 1].map((start) => ({
      ...{ loss, start },
      path: [{ time: 0, logOdds: 0 }, { time: 1, logOdds: start }],
    }))
  );
  const optima = SETTINGS.methods.map(({ loss }) => ({
    ...{ loss, reward: loss === "dpo-turned" ? -1 : 1, kl: 1, why: null },
  }));
  const summary: Summary = { flows, optima };
  const findings = judge(CLAIMS, summary);
  deepEqual(findings.map(({ verdict }) => verdict), [
    ...["shown", "not shown", "not shown", "not shown"],
  ]);
  const { panels, title, pictured } = taughtFigure(summary, findings);
  ok(title.startsWith("1 of 4 forms"));
  equal(panels.length, FORMS.length);
  equal(pictured, FORMS.length);
  for (const [i, { taught, paper }] of FORMS.entries()) {
    const names = panels[i]!.data.map(({ name }) => name);
    ok(names.includes(taught) && names.includes(paper));
    const texts = panels[i]!.layout.annotations!.map(({ text }) => text);
    // Both lines of a form have a name, since they end apart.
    equal(texts.filter((text) => text === taught).length, 2);
    ok(
      texts.some((text) => text?.includes("ref</sub><br>likes y<sub>l</sub>")),
    );
    ok(formOf(taught).formula !== formOf(paper).formula);
  }
});

Deno.test("lines of one name that meet are named once, and the title is the finding", () => {
  const flows = SETTINGS.methods.flatMap(({ loss }) =>
    [0, 1].map((start) => ({
      ...{ loss, start },
      path: [{ time: 0, logOdds: 2 * start - 1 }, { time: 1, logOdds: 4 }],
    }))
  );
  const findings = judge(CLAIMS, { flows, optima: [] });
  ok(findings.every(({ verdict }) => verdict !== "shown"));
  const shown = findings.map((each) => ({
    ...each,
    verdict: "shown" as const,
  }));
  const { title, panels } = taughtFigure({ flows, optima: [] }, shown);
  ok(title.includes("DPO learns the opposite or nothing"));
  const texts = panels[0]!.layout.annotations!.map(({ text }) => text);
  deepEqual(texts.toSorted(), [
    ...["dpo", "dpo-turned"],
    "π<sub>ref</sub><br>likes y<sub>l</sub>",
    "π<sub>ref</sub><br>likes y<sub>w</sub>",
  ]);
});

Deno.test("claims about forms that were not run are not testable", () => {
  const flows = [{ loss: "dpo", start: 0, path: [{ time: 0, logOdds: 0 }] }];
  const verdicts = judge(CLAIMS, { flows, optima: [] }).map(({ verdict }) =>
    verdict
  );
  deepEqual(verdicts, CLAIMS.map(() => "not testable"));
  deepEqual(taughtFigure({ flows, optima: [] }, []).panels, []);
});

Deno.test("the pairwise optimum is that of a search over the reviews one by one", async () => {
  const beta = 0.7;
  const reviews = choice(
    [5, "it is fine"],
    [2, [
      "it is",
      choice([1, "very"], [3, "rather"]),
      choice([3, "good"], [
        1,
        "superb",
      ]),
    ]],
    [1, "it is bad"],
  );
  // Each review with its probability and its reward.
  const all = [
    [5 / 8, "fine"],
    [2 / 8 * 1 / 4 * 3 / 4, "very good"],
    [2 / 8 * 1 / 4 * 1 / 4, "very superb"],
    [2 / 8 * 3 / 4 * 3 / 4, "rather good"],
    [2 / 8 * 3 / 4 * 1 / 4, "rather superb"],
    [1 / 8, "bad"],
  ].map(([probability, words]) => ({
    probability: Number(probability),
    reward: goldReward(encode(`it is ${words}`)),
  }));
  const found = await optimum(findLoss("kto-pairwise"), {
    answers: all,
    preference: (i, j) =>
      preferenceProbability(all[i]!.reward - all[j]!.reward),
  }, { beta });
  ok(found.kind === "attained");
  const refs = all.map(({ probability }) => Math.log(probability));
  const rewards = all.map(({ reward }) => reward);
  const exact = pairwiseOptimum({ beta }, [{ reviews }]);
  ok(exact.kind === "attained");
  assertClose([exact.reward, exact.kl], [
    expectation(found.logProbs, rewards),
    klDivergence(found.logProbs, refs),
  ], { tolerance: 1e-5 });
});
