import { deepEqual, equal, ok } from "node:assert/strict";
import { taughtFigure } from "experiments/taught/figure.ts";
import { formOf, FORMS } from "experiments/taught/forms.ts";
import { createJobs } from "experiments/taught/jobs.ts";
import { FULL } from "experiments/taught/settings.ts";
import { CLAIMS, type Summary } from "experiments/taught/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { gridPoints } from "lib/experiment/grid.ts";
import { assertClose } from "../assert_close.ts";

const { jobs } = await createJobs({ settings: FULL, device: "cpu" });

async function endOf(loss: string, start: number): Promise<number> {
  const point = gridPoints(FULL).find((each) =>
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
  const flows = FULL.methods.flatMap(({ loss }) =>
    [0, 1].map((start) => ({
      ...{ loss, start },
      path: [{ time: 0, logOdds: 0 }, { time: 1, logOdds: start }],
    }))
  );
  const optima = FULL.methods.map(({ loss }) => ({
    ...{ loss, reward: loss === "dpo-turned" ? -1 : 1, kl: 1, why: null },
  }));
  const summary: Summary = { flows, optima };
  const findings = judge(CLAIMS, summary);
  deepEqual(findings.map(({ verdict }) => verdict), [
    ...["shown", "not shown", "not shown", "not shown"],
  ]);
  const { panels, title } = taughtFigure(summary, findings);
  ok(title.startsWith("1 of 4 forms"));
  equal(panels.length, FORMS.length);
  for (const [i, { taught, paper }] of FORMS.entries()) {
    const names = panels[i]!.data.map(({ name }) => name);
    ok(names.includes(taught) && names.includes(paper));
    ok(formOf(taught).formula !== formOf(paper).formula);
  }
});
