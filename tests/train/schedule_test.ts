import { strictEqual } from "node:assert/strict";
import { scheduled, SCHEDULES } from "lib/train/schedule.ts";
import { assertClose } from "../assert_close.ts";

/** Shares at steps 1 to 8 of 8 after a warm-up of 2. */
const SHARES = {
  constant: [0, 1 / 2, 1, 1, 1, 1, 1, 1],
  linear: [0, 1 / 2, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6],
  cosine: [
    0,
    1 / 2,
    1,
    ...[1, 2, 3, 4, 5].map((i) => Math.cos(i * Math.PI / 12) ** 2),
  ],
};

for (const schedule of SCHEDULES) {
  const at = (step: number, warmup: number) =>
    scheduled(schedule, step, { steps: 8, warmup });

  Deno.test(`the ${schedule} schedule has transformers' shares`, () => {
    const shares = SHARES[schedule].map((_, i) => at(i + 1, 2));
    assertClose(shares, SHARES[schedule], { tolerance: 1e-12 });
  });

  Deno.test(`the ${schedule} schedule starts in full without a warm-up`, () => {
    strictEqual(at(1, 0), 1);
  });

  Deno.test(`the ${schedule} schedule of warm-up alone reaches 7 / 8`, () => {
    strictEqual(at(8, 8), 7 / 8);
  });
}
