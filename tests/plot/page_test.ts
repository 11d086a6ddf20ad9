import { deepStrictEqual, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { runBrowser } from "lib/plot/browser.ts";
import type { Figure } from "lib/plot/figure.ts";
import { figureHtml } from "lib/plot/figure_page.ts";
import { INK, ON_DARK } from "lib/plot/style.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const LONG = "a_long_word_".repeat(20);

const FIGURE: Figure = {
  title: "Finding",
  text: [],
  findings: [{
    ...{ claim: "A claim", source: "A paper", reported: "1", found: "2" },
    ...{ verdict: "shown", why: "A reason." },
  }],
  panels: [{
    title: "Panel",
    wide: true,
    data: [{ type: "scatter", x: [0, 1], y: [0, 1], line: { color: INK } }],
    layout: {},
  }, {
    title: "Bars",
    data: [{ type: "bar", x: ["a", "b"], y: [0, 1] }],
    layout: { xaxis: { tickangle: 0 } },
  }],
  samples: [{ name: "dpo", texts: [{ text: LONG }] }],
  tables: [{
    caption: "Table",
    columns: Array.from({ length: 12 }, (_, i) => `column ${i}`),
    rows: [Array.from({ length: 12 }, (_, i) => i)],
  }],
};

/** Widths and colours of the page, in the attributes of its body. */
const MEASURE = `<script>
addEventListener("load", () => {
  const { scrollWidth, clientWidth } = document.documentElement;
  document.body.dataset.widths = [scrollWidth, clientWidth];
  const { stroke } = document.querySelector(".js-line").style;
  const table = document.querySelector(".broad div");
  table.scrollLeft = 200;
  const [name] = table.querySelectorAll("tbody th");
  const lefts = [table, name].map((one) => one.getBoundingClientRect().left);
  document.body.dataset.table = [table.scrollLeft, lefts[1] - lefts[0]];
  const bars = document.getElementById("plot-1").layout.xaxis;
  document.body.dataset.turns = !("tickangle" in bars);
  document.body.dataset.colors = [stroke, getComputedStyle(document.body).color];
  dispatchEvent(new Event("beforeprint"));
  const plot = document.querySelector(".main-svg").getBoundingClientRect();
  const line = document.querySelector(".js-line").style.stroke;
  document.body.dataset.printed = [plot.right <= 680, line];
});
</script>`;

/** A colour as browsers give it back. */
const rgb = (hex: string) =>
  `rgb(${[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(", ")})`;

Deno.test("a page follows the reader's colours, is no wider than the screen, and prints in ink", async () => {
  using folder = temporaryFolder();
  const page = join(folder.path, "page.html");
  await Deno.writeTextFile(page, figureHtml(FIGURE) + MEASURE);
  const html = await runBrowser(page, {
    folder: folder.path,
    flags: [
      "--window-size=500,900",
      "--blink-settings=preferredColorScheme=0",
      "--dump-dom",
    ],
  });
  const [, scrolled, shown] = html.match(/data-widths="(\d+),(\d+)"/) ?? [];
  ok(Number(shown) <= 500, shown);
  deepStrictEqual(scrolled, shown);
  // The table has been scrolled; the names of its rows have not.
  match(html, /data-table="200,0"/);
  match(html, /data-turns="true"/);
  const dark = rgb(ON_DARK[INK]!);
  match(
    html,
    new RegExp(`data-colors="${dark},${dark}"`.replace(/[()]/g, "\\$&")),
  );
  match(
    html,
    new RegExp(`data-printed="true,${rgb(INK)}"`.replace(/[()]/g, "\\$&")),
  );
});

Deno.test("a page leaves room for its data below 1.5 MB", () => {
  ok(new TextEncoder().encode(figureHtml(FIGURE)).length < 1.25e6);
});
