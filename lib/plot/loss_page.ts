import {
  type Entry,
  lossPanels,
  type LossSheet,
  weightPanel,
} from "./loss_panels.ts";
import { formulaHtml, proseHtml } from "./mathml.ts";
import { escapeHtml, factsHtml, pageHtml, panelHtml } from "./page.ts";
import { OKABE_ITO } from "./style.ts";

/** The page of one loss: formula, derivation, figures, options. */
export function lossPageHtml(sheet: LossSheet): string {
  const panels = lossPanels(sheet);
  const { id, title, derivation, options, presets } = sheet;
  return pageHtml({
    title: `${id}: ${title}`,
    style: LOSS_STYLE,
    body: [
      `<h1>${escapeHtml(title)} <code>${escapeHtml(id)}</code></h1>`,
      `<div class="formula">${formulaHtml(sheet.formula)}</div>`,
      lossFactsHtml(sheet),
      listHtml("Derivation", derivation),
      `<div class="panels">${panels.map(panelHtml).join("\n")}</div>`,
      entriesHtml("Options", options),
      entriesHtml("In other trainers", presets),
    ].join("\n"),
    plots: panels,
  });
}

const SUMMARY =
  "Every loss with its paper's defaults. The curves are its gradient weights: how strongly a step raises the log-probability of a chosen or desirable answer";

/** All losses side by side. */
export function lossAtlasHtml(sheets: readonly LossSheet[]): string {
  const title = "Preference losses, side by side";
  return pageHtml({
    title,
    style: LOSS_STYLE,
    body: `<h1>${title}</h1>
<p>${SUMMARY} <span class="key chosen"></span>, and lowers that of a rejected or undesirable one <span class="key rejected"></span>. Below 0 it does the reverse. ${
      proseHtml(sheets[0]?.setting ?? "")
    }</p>
<div class="cards">
${sheets.map(cardHtml).join("\n")}
</div>`,
    plots: sheets.map(weightPanel),
    // A finger on a plot should scroll the page.
    config: { staticPlot: true },
  });
}

function cardHtml(sheet: LossSheet, index: number): string {
  const { id, title, formula } = sheet;
  const label = `Gradient weights of ${id}`;
  return `<article id="${escapeHtml(id)}">
<h2>${escapeHtml(title)} <code>${escapeHtml(id)}</code></h2>
<div class="formula">${formulaHtml(formula)}</div>
<div class="plot" id="plot-${index}" role="img" aria-label="${
    escapeHtml(label)
  }"></div>
${lossFactsHtml(sheet)}
</article>`;
}

function lossFactsHtml(
  { needs, statistics, start, settings, source }: LossSheet,
): string {
  return factsHtml([
    ["Needs", proseHtml(needs)],
    ...statistics ? [["Batch", proseHtml(statistics)] as const] : [],
    ...settings ? [["Defaults", proseHtml(settings)] as const] : [],
    [proseHtml("At π = π_ref"), proseHtml(start)],
    ["Source", linked(source)],
  ]);
}

function listHtml(heading: string, steps: readonly string[]): string {
  if (steps.length === 0) return "";
  const items = steps.map((step) => `<li>${proseHtml(step)}</li>`);
  return `<section><h2>${heading}</h2><ol>${items.join("\n")}</ol></section>`;
}

function entriesHtml(heading: string, entries: readonly Entry[]): string {
  if (entries.length === 0) return "";
  const rows = entries.map(({ name, text }) =>
    `<dt>${escapeHtml(name)}</dt><dd>${proseHtml(text)}</dd>`
  );
  return `<section><h2>${heading}</h2><dl>${rows.join("")}</dl></section>`;
}

/** A text with links at its addresses. */
function linked(text: string): string {
  return text.split(/(https:\/\/[^\s;,]+)/).map((part, i) => {
    const html = escapeHtml(part);
    return i % 2 === 0
      ? html
      : `<a href="${html}" rel="noreferrer">${html}</a>`;
  }).join("");
}

const [CHOSEN, REJECTED] = OKABE_ITO;

/** The addition to the style sheet for pages of losses. */
const LOSS_STYLE = `
h1 code, h2 code { color: #555; font-weight: 400; font-size: .85em; white-space: nowrap; }
.formula { overflow-x: auto; overflow-y: hidden; margin: .5rem 0; padding-bottom: .25rem; }
.formula div { margin: .35rem 0; }
.formula math { math-style: normal; }
.last { white-space: nowrap; }
.mathup-function-ident { padding-inline: .12em; }
sub { line-height: 0; }
dl { margin: .75rem 0; max-width: 46rem; overflow-wrap: anywhere; }
dt { font-weight: 600; }
dd { margin: 0 0 .5rem; }
.facts { display: grid; grid-template-columns: max-content 1fr; column-gap: .75rem; font-size: .875rem; }
.facts dt { color: #555; font-weight: 400; }
.facts dd { margin: 0; }
section { margin: 2rem 0; }
section h2 { font-size: 1.125rem; }
ol { max-width: 46rem; padding-left: 1.5rem; }
li { margin: .5rem 0; }
.cards {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr));
  gap: 2rem 1.5rem;
}
.cards article { border-top: 1.5px solid #222; padding-top: .5rem; min-width: 0; }
.cards .plot { height: 11rem; }
.key { display: inline-block; width: 2.5rem; vertical-align: middle; }
.chosen { border-top: 3px solid ${CHOSEN}; }
.rejected { border-top: 3px dashed ${REJECTED}; }
`;
