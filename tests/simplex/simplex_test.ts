import { deepEqual, equal, match, ok } from "node:assert/strict";
import { simplexFigure } from "experiments/simplex/figure.ts";
import { createJobs } from "experiments/simplex/jobs.ts";
import { FULL } from "experiments/simplex/settings.ts";
import { CLAIMS, type Summary } from "experiments/simplex/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { gridPoints } from "lib/experiment/grid.ts";

/** Flows that go straight to an end. */
function madeUp(alike: number, unrelated: number): Summary {
  const flows = FULL.methods.flatMap(({ loss }) =>
    [false, true].map((isAlike) => {
      const chosen = 0.3 + (isAlike ? alike : unrelated);
      const end = [chosen, 0.1, 0.9 - chosen] as const;
      return {
        name: loss,
        loss,
        isAlike,
        path: [[0.3, 0.3, 0.4], end] as const,
      };
    })
  );
  return { flows };
}

Deno.test("claims of a fall and of a rise exclude each other", () => {
  const verdicts = (alike: number, unrelated: number) =>
    judge(CLAIMS, madeUp(alike, unrelated)).map(({ id, verdict }) =>
      `${id}: ${verdict}`
    );
  deepEqual(verdicts(-0.1, 0.2), [
    ...["dpo-alike: shown", "dpo-unrelated: shown", "ipo-alike: shown"],
    ...["dpop-alike: opposite", "orpo-alike: opposite"],
  ]);
  ok(verdicts(0.001, 0.001).every((each) => each.endsWith(": not shown")));
});

Deno.test("the figure has a panel for each loss, and counts those that fall", () => {
  const { title, panels, tables } = simplexFigure(madeUp(-0.1, 0.2), []);
  const count = FULL.methods.length;
  match(title, new RegExp(`${count} of ${count} losses lower the chosen one`));
  equal(panels.length, count);
  equal(tables.at(-1)!.rows.length, count);
});

Deno.test("a run follows its loss: the answers' likeness turns DPO's way", async () => {
  const settings = { ...FULL, time: 5 };
  const { jobs } = await createJobs({ settings, device: "cpu" });
  const ends = gridPoints(settings).filter(({ loss }) => loss === "dpo").map(
    async (point) => {
      const { rows } = await jobs.run({ point, start: null, data: null });
      const sums = rows.map(({ chosen, rejected, other }) =>
        chosen! + rejected! + other!
      );
      ok(sums.every((sum) => Math.abs(sum - 1) < 1e-9));
      return rows.at(-1)!["chosen"]!;
    },
  );
  const [unrelated, alike] = await Promise.all(ends);
  ok(unrelated! > 0.3 && alike! < 0.3);
});
