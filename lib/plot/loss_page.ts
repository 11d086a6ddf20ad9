import lossStyle from "./loss_page.css" with { type: "text" };
import {
  lossPanels,
  type LossSheet,
  type NamedText,
  weightPanel,
} from "./loss_panels.ts";
import { formulaHtml, proseHtml } from "./mathml.ts";
import { escapeHtml, factsHtml, pageHtml, panelsHtml } from "./page.ts";
import { markHtml } from "./style.ts";

/** The page of one loss: formula, derivation, figures, options. */
export function lossPageHtml(sheet: LossSheet): string {
  const panels = lossPanels(sheet);
  const { id, title, mark, derivation, options, presets } = sheet;
  return pageHtml({
    title: `${id}: ${title}`,
    style: lossStyle,
    body: [
      `<h1>${markHtml(mark)} ${escapeHtml(title)} <code>${
        escapeHtml(id)
      }</code></h1>`,
      `<div class="formula">${formulaHtml(sheet.formula)}</div>`,
      lossFactsHtml(sheet),
      listHtml("Derivation", derivation),
      panelsHtml(panels),
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
    style: lossStyle,
    body: `<h1>${title}</h1>
<p>${SUMMARY} <span class="key chosen"></span>, and lowers that of a rejected or undesirable one <span class="key rejected"></span>. Below 0 it does the reverse. ${
      proseHtml(sheets[0]?.answers ?? "")
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
  const { id, title, mark, formula } = sheet;
  const label = `Gradient weights of ${id}`;
  return `<article id="${escapeHtml(id)}">
<h2>${markHtml(mark)} ${escapeHtml(title)} <code>${escapeHtml(id)}</code></h2>
<div class="formula">${formulaHtml(formula)}</div>
<div class="plot" id="plot-${index}" role="img" aria-label="${
    escapeHtml(label)
  }"></div>
${lossFactsHtml(sheet)}
</article>`;
}

function lossFactsHtml(
  { needs, statistics, start, defaults, source }: LossSheet,
): string {
  return factsHtml([
    ["Needs", proseHtml(needs)],
    ...statistics ? [["Batch", proseHtml(statistics)] as const] : [],
    ...defaults ? [["Defaults", proseHtml(defaults)] as const] : [],
    [proseHtml("At π = π_ref"), proseHtml(start)],
    ["Source", linked(source)],
  ]);
}

function listHtml(heading: string, steps: readonly string[]): string {
  if (steps.length === 0) return "";
  const items = steps.map((step) => `<li>${proseHtml(step)}</li>`);
  return `<section><h2>${heading}</h2><ol>${items.join("\n")}</ol></section>`;
}

function entriesHtml(heading: string, entries: readonly NamedText[]): string {
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
