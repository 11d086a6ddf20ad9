import {
  deepStrictEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import type { Figure } from "lib/plot/figure.ts";
import { figureHtml } from "lib/plot/figure_page.ts";
import { seriesStyle } from "lib/plot/style.ts";

const HOSTILE = `</script><script>alert("1")</script><!-- & 'x'`;

const FIGURE: Figure = {
  title: `Reward & KL ${HOSTILE}`,
  text: ["First.", HOSTILE],
  panels: [
    {
      title: HOSTILE,
      note: HOSTILE,
      wide: true,
      data: [{
        type: "scatter",
        mode: "lines+markers",
        name: HOSTILE,
        x: [0.1, 1],
        y: [1.25, null],
        ...seriesStyle(0),
      }],
      layout: { xaxis: { title: { text: "KL" }, type: "log" } },
    },
    {
      title: "Length",
      data: [{ type: "bar", x: ["a"], y: [3] }],
      layout: {},
    },
  ],
  findings: [{
    claim: HOSTILE,
    source: HOSTILE,
    reported: HOSTILE,
    found: HOSTILE,
    verdict: "not shown",
    why: HOSTILE,
  }],
  samples: [{
    name: HOSTILE,
    color: "#123456",
    note: HOSTILE,
    texts: [
      { text: HOSTILE, note: HOSTILE },
      { text: "plain" },
      { text: "signed", by: { name: HOSTILE, color: "#123456" } },
    ],
  }],
  tables: [{
    caption: HOSTILE,
    columns: ["method", "reward", "KL", "n", "note"],
    rows: [["DPO", 3.14159265, null, 123456, HOSTILE], [
      "KTO",
      1e-7,
      0,
      3,
      "–",
    ]],
  }],
};

const PAGE = figureHtml(FIGURE);
const PLOTLY = Deno.readTextFileSync(
  new URL(import.meta.resolve("plotly.js-basic-dist-min")),
);

Deno.test("figureHtml() has Plotly inside and loads nothing", () => {
  const [before, after, ...more] = PAGE.split(PLOTLY);
  deepStrictEqual(more, []);
  const own = `${before}${after}`;
  match(
    own,
    /http-equiv="Content-Security-Policy" content="default-src 'none';/,
  );
  doesNotMatch(own, /https?:|\bsrc=|\bhref=|@import|url\(/);
});

Deno.test("figureHtml() keeps the data whole and inside its element", () => {
  strictEqual(PAGE.match(/<script/g)?.length, 3);
  strictEqual(PAGE.match(/<\/script/g)?.length, 3);
  const [, json = ""] = PAGE.match(/id="plots">(.*)<\/script>/) ?? [];
  const plots = JSON.parse(json);
  deepStrictEqual(
    plots.map((plot: { data: unknown }) => plot.data),
    FIGURE.panels.map(({ data }) => data),
  );
  strictEqual(plots[0].layout.xaxis.type, "log");
});

Deno.test("figureHtml() escapes every text", () => {
  const own = PAGE.replace(PLOTLY, "");
  doesNotMatch(own, /alert\("1"\)/);
  const escaped = "&lt;/script&gt;&lt;script&gt;alert(&quot;1&quot;)" +
    "&lt;/script&gt;&lt;!-- &amp; 'x'";
  // Both titles, the paragraph, heading, label and note, caption and cell; five
  // of the finding, five of the samples.
  strictEqual(own.split(escaped).length - 1, 18);
});

Deno.test("figureHtml() gives the same bytes for the same figure.json", () => {
  strictEqual(figureHtml(JSON.parse(JSON.stringify(FIGURE))), PAGE);
});

Deno.test("figureHtml() writes indices, negative numbers and axes as readers know them", () => {
  const page = figureHtml({
    ...{ title: "β -1 of π_ref", text: ["lr 1e-7 of kto-2"] },
    tables: [{ caption: "p < 0.1 % of [-1, 2]", columns: [], rows: [] }],
    panels: [{
      ...{ title: "T", data: [] },
      layout: { yaxis: { title: { text: "log π/π_ref" }, dtick: 1 } },
    }],
  });
  match(page, /<h1>β −1 of π<sub>ref<\/sub><\/h1>/);
  match(page, /<p>lr 1e-7 of kto-2<\/p>/);
  match(page, /<h2>p\u00a0&lt;\u00a00.1\u00a0% of \[−1,\u00a02\]<\/h2>/);
  const [, json = ""] = page.match(/id="plots">(.*)<\/script>/) ?? [];
  const [{ layout: { yaxis } }] = JSON.parse(json);
  deepStrictEqual(yaxis, {
    ...{ title: { text: "log π/π<sub>ref</sub>" }, dtick: 1 },
  });
});

Deno.test("figureHtml() has an element for each plot", () => {
  match(
    PAGE,
    /<figure class="wide">\s*<h2>.*<\/h2>\s*<div class="plot" id="plot-0" role="img"/,
  );
  match(
    PAGE,
    /<figure>\s*<h2>Length<\/h2>\s*<div class="plot" id="plot-1" role="img"/,
  );
});

Deno.test("figureHtml() shows four digits, whole numbers whole, nothing as a dash", () => {
  match(
    PAGE,
    /<th scope="row">DPO<\/th><td>3\.142<\/td><td>–<\/td><td>123456<\/td>/,
  );
  match(PAGE, /<th scope="row">KTO<\/th><td>1e-7<\/td><td>0<\/td>/);
});

Deno.test("figureHtml() says verdicts in words, above the plots, and samples below", () => {
  match(
    PAGE,
    /<strong class="verdict not-shown">not shown<\/strong>[^]*id="plot-0"[^]*<li>plain<\/li>/,
  );
  const { findings: _, samples: __, ...without } = FIGURE;
  doesNotMatch(figureHtml(without), /<strong|<details/);
});

Deno.test("figureHtml() leads to a paper, and to no address that runs code", () => {
  const [finding] = FIGURE.findings!;
  const withUrl = (url: string) =>
    figureHtml({ ...FIGURE, findings: [{ ...finding!, url }] });
  match(
    withUrl('https://example.org/"><b>'),
    /<small><a href="https:\/\/example.org\/&quot;&gt;&lt;b&gt;" rel="noreferrer">/,
  );
  strictEqual(withUrl("javascript:alert(1)"), PAGE);
});

Deno.test("figureHtml() sets small plots in rows of their own", () => {
  const [wide, plain] = FIGURE.panels;
  const small = { ...plain!, small: true };
  const page = figureHtml({ ...FIGURE, panels: [wide!, small, small, plain!] });
  const rows = [...page.matchAll(/<div class="(panels.*)">|id="plot-(\d)"/g)];
  deepStrictEqual(
    rows.map(([, row, plot]) => row ?? Number(plot)),
    ["panels", 0, "panels small", 1, 2, "panels", 3],
  );
});

Deno.test("figureHtml() has other colours for a dark page, which stay white in print", () => {
  match(
    PAGE,
    /@media screen and \(prefers-color-scheme: dark\) \{\s*:root \{[^}]*--paper: #161616;/,
  );
});

Deno.test("many claims stand below the plots", () => {
  const [finding] = FIGURE.findings!;
  const placeOf = (count: number) => {
    const html = figureHtml({
      ...{ ...FIGURE, findings: Array.from({ length: count }, () => finding!) },
    });
    return html.indexOf("Claims and verdicts") - html.indexOf('id="plot-0"');
  };
  ok(placeOf(12) < 0);
  ok(placeOf(13) > 0);
});
