import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { rootScale } from "lib/plot/scales.ts";

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
