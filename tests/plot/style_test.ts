import { notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { OKABE_ITO, seriesStyle } from "lib/plot/style.ts";

Deno.test("seriesStyle() tells neighbours apart without colour", () => {
  for (let i = 0; i < 20; i++) {
    const [one, next] = [seriesStyle(i), seriesStyle(i + 1)];
    notStrictEqual(one.line.color, next.line.color);
    notStrictEqual(one.line.dash, next.line.dash);
    notStrictEqual(one.marker.symbol, next.marker.symbol);
  }
});

Deno.test("seriesStyle() repeats itself only after forty series", () => {
  const seen = new Set(
    Array.from({ length: 40 }, (_, i) => JSON.stringify(seriesStyle(i))),
  );
  strictEqual(seen.size, 40);
});

Deno.test("OKABE_ITO has the eight colours of the source", () => {
  // Table of RGB values at https://jfly.uni-koeln.de/color/.
  const published = [
    [0, 0, 0],
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [0, 114, 178],
    [213, 94, 0],
    [204, 121, 167],
  ];
  strictEqual(OKABE_ITO.length, published.length);
  for (const rgb of published) {
    const hex = rgb.map((c) => c.toString(16).padStart(2, "0")).join("");
    ok(OKABE_ITO.some((color) => color.toLowerCase() === `#${hex}`), hex);
  }
});
