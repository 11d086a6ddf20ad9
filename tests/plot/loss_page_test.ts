import {
  deepStrictEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { lossAtlasHtml, lossPageHtml } from "lib/plot/loss_page.ts";
import type { LossSheet } from "lib/plot/loss_panels.ts";

const HOSTILE = `</script><script>alert("1")</script><!-- & 'x'`;

const SHEET: LossSheet = {
  id: "mine",
  title: HOSTILE,
  mark: { color: "green", dash: "dot", symbol: "star" },
  formula: `σ(x_w) "${HOSTILE.replaceAll('"', "")}"`,
  derivation: [`${HOSTILE} \`x^2 <b>\``],
  source: `Me, https://example.org/?a="b ${HOSTILE}`,
  needs: HOSTILE,
  statistics: HOSTILE,
  start: HOSTILE,
  defaults: "β = 0.1",
  answers: HOSTILE,
  options: [{ name: HOSTILE, text: HOSTILE }],
  presets: [{ name: "trl", text: HOSTILE }],
  curves: {
    x: [-1, 0, 1],
    axis: "Δ_w − Δ_l, nats",
    losses: [{ name: "loss", y: [2, 1, 0] }],
    weights: [
      { name: "raises y_w", y: [0.2, 0.1, -0] },
      { name: "lowers y_l", y: [0.2, 0.1, 1 / 3] },
    ],
  },
  maps: {
    sides: [-2, 0, 2],
    maps: [{ name: "raises y_w", weights: [[1, 2, 3], [4, 5, 6], [-7, 8, 9]] }],
  },
};

const PAGES = {
  page: lossPageHtml(SHEET),
  atlas: lossAtlasHtml([SHEET, { ...SHEET, id: "other" }]),
};

/** The plots that a page hands to Plotly. */
function plotsOf(html: string) {
  const [, json = ""] = html.match(/id="plots">(.*)<\/script>/) ?? [];
  return JSON.parse(json);
}

for (const [name, html] of Object.entries(PAGES)) {
  Deno.test(`the ${name} of losses escapes every text`, () => {
    strictEqual(html.match(/<script/g)?.length, 3);
    const own = html.replace(/<script>[^]*$/, "");
    doesNotMatch(own, /<b>|<!-- &|alert\("1"\)/);
  });

  Deno.test(`the ${name} of losses loads nothing and leads to its source`, () => {
    const [head = ""] = html.split("<script>");
    match(head, /Content-Security-Policy" content="default-src 'none';/);
    doesNotMatch(head, /\bsrc=|@import|url\(/);
    match(
      head,
      /<a href="https:\/\/example.org\/\?a=&quot;b" rel="noreferrer">/,
    );
  });

  Deno.test(`the ${name} of losses has an element for each plot`, () => {
    const plots = plotsOf(html);
    ok(plots.length > 0);
    strictEqual(html.match(/id="plot-\d+"/g)?.length, plots.length);
  });
}

Deno.test("a loss has its symbol in its colour, one without a mark a gray circle", () => {
  match(PAGES.page, /<h1><span class="mark" style="color:var\(--green\)">★/);
  const own = lossPageHtml({ ...SHEET, mark: undefined });
  match(own, /<h1><span class="mark" style="color:var\(--gray\)">●/);
});

Deno.test("weights are drawn as they are, with five digits and no −0", () => {
  const [{ data: [, rejected] }] = plotsOf(PAGES.page);
  strictEqual(JSON.stringify(rejected.y), "[0.2,0.1,0.33333]");
  strictEqual(rejected.name, "lowers y<sub>l</sub>");
});

Deno.test("a square of a map is as wide and high as a step", () => {
  const { data: [bars] } = plotsOf(PAGES.page)[2];
  strictEqual(bars.width, 2);
  // The last square of the first column.
  strictEqual(bars.x[2], -2);
  strictEqual(bars.base[2], 1);
  strictEqual(bars.y[2], 2);
  strictEqual(bars.marker.opacity[2], 0.333);
  strictEqual(bars.hovertext[2], "3");
});

Deno.test("a weight of 0 has no colour, on scales with and without a reverse", () => {
  const { data: [bars, signed] } = plotsOf(PAGES.page)[2];
  // Of the weights 1, 2, … 9, only the seventh is negative.
  const [blue, vermilion] = [bars.marker.color[0], bars.marker.color[6]];
  strictEqual(new Set(bars.marker.color).size, 2);
  strictEqual(bars.marker.opacity[6], 0.778);
  const { cmin, cmax, colorscale } = signed.marker;
  deepStrictEqual([cmin, cmax], [-9, 9]);
  deepStrictEqual(colorscale, [[0, vermilion], [0.5, "#FFFFFF"], [1, blue]]);
  const maps = {
    sides: [0, 1],
    maps: [{ name: "raises y_w", weights: [[0, 0], [0, 4]] }],
  };
  const { data: [squares, key] } = plotsOf(lossPageHtml({ ...SHEET, maps }))[2];
  deepStrictEqual(squares.marker.opacity, [0, 0, 0, 1]);
  strictEqual(squares.marker.color, blue);
  deepStrictEqual([key.marker.cmin, key.marker.colorscale[0]], [0, [
    0,
    "#FFFFFF",
  ]]);
});
