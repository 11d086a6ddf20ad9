import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { rootScale, symlogScale } from "lib/plot/scales.ts";

Deno.test("a root scale has ticks in its own unit", () => {
  const { position, axis } = rootScale(9.5);
  const { tickvals, ticktext, range } = axis("KL, nats");
  deepStrictEqual(ticktext, ["0", "0.25", "1", "2.25", "4", "6.25", "9"]);
  deepStrictEqual(tickvals, ticktext.map((text) => position(Number(text))));
  deepStrictEqual(range, [0, Math.sqrt(9.5)]);
  strictEqual(position(-0.1), 0);
});

Deno.test("a root scale of a long way has no more ticks than fit", () => {
  for (const largest of [1, 9, 20, 60, 150]) {
    const { ticktext } = rootScale(largest).axis("");
    ok(ticktext!.length >= 3 && ticktext!.length <= 8, `${largest}`);
  }
});

Deno.test("a symlog scale is odd, linear near 0 and logarithmic far from it", () => {
  const { position } = symlogScale([-50, 2]);
  strictEqual(position(-7), -position(7));
  ok(Math.abs(position(0.02) / position(0.01) - 2) < 0.02);
  ok(Math.abs(position(1000) - position(100) - 1) < 0.01);
});

Deno.test("a symlog scale has ticks as far as its values", () => {
  const { tickvals, ticktext } = symlogScale([-40, 1]).axis("nats");
  deepStrictEqual(ticktext, ["−30", "−10", "−3", "−1", "0", "1"]);
  deepStrictEqual(tickvals, [...tickvals!].sort((a, b) => a - b));
  const finer = symlogScale([0.2], { linear: 0.1 }).axis("nats");
  deepStrictEqual(finer.ticktext, ["0", "0.1", "0.3"]);
});
