import { deepEqual, equal, match, ok } from "node:assert/strict";
import { CLAIMS } from "experiments/simplex/claims.ts";
import { simplexFigure } from "experiments/simplex/figure.ts";
import { createJobs, featuresOf } from "experiments/simplex/jobs.ts";
import { SETTINGS } from "experiments/simplex/settings.ts";
import type { Geometry, Summary } from "experiments/simplex/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { gridPoints } from "lib/experiment/grid.ts";
import { gradientFlow } from "lib/loss_tools/flow.ts";
import { findLoss } from "lib/losses/registry.ts";
import { assertClose } from "../assert_close.ts";

type Gains = Readonly<Record<Geometry, number>>;

/** Flows that go straight to an end, where the rejected answer has a share. */
function madeUp(gains: Gains, rejected = 0.05): Summary {
  const flows = SETTINGS.methods.flatMap(({ loss }) =>
    (["unrelated", "aside", "ahead"] as const).map((geometry) => {
      const chosen = 0.3 + gains[geometry];
      const end = [chosen, rejected, 1 - rejected - chosen] as const;
      const path = [[0.3, 0.3, 0.4], end] as const;
      return { name: loss, loss, geometry, path };
    })
  );
  return { flows };
}

function verdicts(summary: Summary): string[] {
  return judge(CLAIMS, summary).map(({ id, verdict }) => `${id}: ${verdict}`);
}

Deno.test("claims of a fall and of a rise exclude each other", () => {
  deepEqual(verdicts(madeUp({ unrelated: 0.2, aside: 0.2, ahead: -0.1 })), [
    ...["dpo-ahead: shown", "ipo-ahead: shown"],
    ...["dpo-aside: shown", "all-aside: shown", "dpo-unrelated: shown"],
    ...["dpop-ahead: opposite", "orpo-ahead: opposite"],
    "sft-everywhere: opposite",
  ]);
  const still = madeUp({ unrelated: 0.001, aside: 0.001, ahead: 0.001 });
  ok(verdicts(still).every((each) => each.endsWith(": not shown")));
});

Deno.test("no claim is tested where training does not raise the margin", () => {
  const gains = { unrelated: 0.2, aside: 0.2, ahead: -0.1 };
  ok(
    verdicts(madeUp(gains, 0.6)).every((each) =>
      each.endsWith(": not testable")
    ),
  );
});

Deno.test("claims about losses that were not run are not testable", () => {
  const { flows } = madeUp({ unrelated: 0.2, aside: 0.2, ahead: -0.1 });
  const summary = { flows: flows.filter(({ loss }) => loss === "sft") };
  const tested = verdicts(summary).filter((each) =>
    !each.endsWith("not testable")
  );
  deepEqual(tested, ["all-aside: shown", "sft-everywhere: opposite"]);
  equal(simplexFigure(summary).panels.length, 1);
});

Deno.test("the figure has a panel for each loss, and counts those that fall", () => {
  const summary = madeUp({ unrelated: 0.2, aside: 0.2, ahead: -0.1 });
  const { title, panels, tables } = simplexFigure(summary);
  const count = SETTINGS.methods.length;
  match(title, new RegExp(`${count} of ${count} losses lower the chosen one`));
  match(title, /none if it lies aside/);
  equal(panels.length, count);
  equal(tables.at(-1)!.rows.length, count);
  const names = panels.map(({ layout }) =>
    layout.annotations!.filter(({ text }) => text?.startsWith("third ")).length
  );
  deepEqual(names, [2, ...Array<number>(count - 1).fill(0)]);
});

Deno.test("a run follows its loss: it takes likeness and direction to turn DPO's way", async () => {
  const settings = { ...SETTINGS, time: 20 };
  const { jobs } = await createJobs({ settings, device: "cpu" });
  const ends = gridPoints(settings).filter(({ loss }) => loss === "dpo").map(
    async (point) => {
      const { rows } = await jobs.run({ point, start: null, data: null });
      const sums = rows.map(({ chosen, rejected, third }) =>
        chosen! + rejected! + third!
      );
      ok(sums.every((sum) => Math.abs(sum - 1) < 1e-9));
      return rows.at(-1)!["chosen"]!;
    },
  );
  const [unrelated, aside, ahead] = await Promise.all(ends);
  ok(unrelated! > 0.3 && aside! > 0.3 && ahead! < 0.3);
});

Deno.test("the third answer lies in the pair's direction, or at a right angle", () => {
  const { pairs: { alike: [chosen, rejected] }, third } = SETTINGS;
  const way = [...chosen.map((x, k) => x - rejected[k]!), 0];
  const angle = (ahead: number) => {
    const other = featuresOf(SETTINGS, { alike: 1, ahead })[2]!;
    assertClose([Math.hypot(...other)], [third]);
    const product = other.reduce((sum, x, k) => sum + x * way[k]!, 0);
    return product / third / Math.hypot(...way);
  };
  assertClose([angle(1), angle(0)], [1, 0]);
});

Deno.test("a third answer that is merely opposite to the pair displaces nothing under DPO", async () => {
  const endWith = async (third: readonly number[]) => {
    const features = [...SETTINGS.pairs.alike, third];
    const { start, time } = SETTINGS;
    const path = await gradientFlow(findLoss("dpo"), { start, time, features });
    return path.at(-1)!.probabilities;
  };
  ok((await endWith([-1, 0]))[0]! > 0.3);
  assertClose(await endWith([-1, 0.3]), await endWith([0, 0.3]));
});
