import { notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { LOSSES } from "lib/losses/registry.ts";
import {
  COLORS,
  markStyle,
  OKABE_ITO,
  ON_DARK,
  PAPER,
  seriesStyle,
  textColor,
} from "lib/plot/style.ts";

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

Deno.test("every loss has a mark that no other has, and unknown ones are gray", () => {
  const gray = JSON.stringify(markStyle());
  const looks = LOSSES.map(({ mark }) => JSON.stringify(markStyle(mark)));
  strictEqual(new Set([...looks, gray]).size, LOSSES.length + 1);
});

Deno.test("the methods that are compared most have colours of their own", () => {
  const main = ["dpo", "ipo", "kto", "orpo", "simpo", "sft"];
  const colors = LOSSES.filter(({ id }) => main.includes(id))
    .map(({ mark }) => mark?.color);
  strictEqual(new Set(colors).size, main.length);
});

/** Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}

Deno.test("names of lines can be read on white and on a dark page", () => {
  for (const color of Object.values(COLORS)) {
    const text = textColor(color);
    ok(contrast(text, PAPER) >= 4.5, `${text} on white`);
    const dark = ON_DARK[text] ?? text;
    ok(contrast(dark, ON_DARK[PAPER]!) >= 4.5, `${dark} in the dark`);
  }
});
