import { join } from "node:path";
import { writeAtomically } from "../files/atomic.ts";
import { temporaryFolder } from "../files/temporary.ts";
import { runBrowser } from "./browser.ts";
import type { Figure, Panel } from "./figure.ts";
import { figureHtml } from "./figure_page.ts";
import pictureScript from "./picture_script.js" with { type: "text" };

/** Width of the page that is drawn, in pixels. */
const WIDTH = 900;

/**
 * Draws the panels of a figure that it says are pictured, by Chromium:
 * figure.svg and figure.pdf for papers, which have captions of their own, and
 * figure.png with title and note. Equal figures give equal bytes with
 * the same Chromium and fonts.
 *
 * @throws Error where no Chromium is installed, or it draws nothing.
 * @throws RangeError for a figure without panels.
 */
export async function drawPictures(
  figure: Figure,
  folder: string,
): Promise<void> {
  using work = await temporaryFolder();
  const { page, svg, height } = await drawn(figure, work.path);
  await write(join(folder, "figure.svg"), new TextEncoder().encode(svg));
  const sheet = join(work.path, "sheet.html");
  await Deno.writeTextFile(sheet, sheetHtml(svg));
  const pdf = join(work.path, "drawn.pdf");
  await runBrowser(sheet, {
    folder: work.path,
    flags: ["--no-pdf-header-footer", `--print-to-pdf=${pdf}`],
  });
  await write(join(folder, "figure.pdf"), withoutDates(await readDrawn(pdf)));
  const png = join(work.path, "drawn.png");
  await runBrowser(page, {
    folder: work.path,
    flags: [
      ...[`--window-size=${WIDTH},${height}`, "--force-device-scale-factor=2"],
      `--screenshot=${png}`,
    ],
  });
  await write(join(folder, "figure.png"), await readDrawn(png));
}

/** The page of the panels alone, whose script leaves their SVG in the document. */
function drawnHtml(figure: Figure): string {
  const { panels, pictured = Math.max(1, smallBefore(panels)) } = figure;
  const html = figureHtml({
    ...figure,
    ...{ text: [], findings: [], samples: [], tables: [] },
    panels: panels.slice(0, pictured),
  });
  // Plotly names parts of a plot at random.
  return `${
    html.replace("<head>", `<head>\n<script>${SEEDED_RANDOM}</script>`)
  }<script>${pictureScript}</script>\n`;
}

/** The number of small panels that a figure begins with. */
function smallBefore(panels: readonly Panel[]): number {
  const other = panels.findIndex(({ small }) => !small);
  return other < 0 ? panels.length : other;
}

/** Park and Miller's generator, for equal bytes. */
const SEEDED_RANDOM =
  "let seed = 1; Math.random = () => (seed = seed * 16807 % 2147483647) / 2147483647;";

/**
 * Draws the panels of a figure that it says are pictured as one SVG, which a
 * notebook can show.
 *
 * @throws Error where no Chromium is installed, or it draws nothing.
 * @throws RangeError for a figure without panels.
 */
export async function figureSvg(figure: Figure): Promise<string> {
  using work = await temporaryFolder();
  return (await drawn(figure, work.path)).svg;
}

async function drawn(
  figure: Figure,
  folder: string,
): Promise<{ page: string; svg: string; height: number }> {
  if (figure.panels.length === 0) {
    throw new RangeError(
      `Cannot draw "${figure.title}": expected panels, found tables alone`,
    );
  }
  const page = join(folder, "page.html");
  await Deno.writeTextFile(page, drawnHtml(figure));
  const document = await runBrowser(page, {
    folder,
    flags: [`--window-size=${WIDTH},1000`, "--dump-dom"],
  });
  const [, svg] = document.match(/data-svg="([^"]*)"/) ?? [];
  const [, height] = document.match(/data-height="(\d+)"/) ?? [];
  if (svg && height) {
    return { page, svg: decodeURIComponent(svg), height: Number(height) };
  }
  throw new Error("Chromium drew no picture");
}

/** A page that is as large as the picture on it. */
function sheetHtml(svg: string): string {
  const [, width, height] = svg.match(/width="([\d.]+)" height="([\d.]+)"/)!;
  return `<!DOCTYPE html>
<meta charset="utf-8">
<style>
@page { size: ${width}px ${height}px; margin: 0; }
body { margin: 0; height: ${height}px; overflow: hidden; }
svg { display: block; }
</style>
${svg}`;
}

async function readDrawn(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return await Deno.readFile(path).catch((cause) => {
    throw new Error("Chromium drew no picture", { cause });
  });
}

/** Sets the dates of a PDF to the year 2000; its length stays the same. */
function withoutDates(pdf: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder("latin1").decode(pdf);
  const bytes = pdf.slice();
  for (const { index, 1: name } of text.matchAll(DATE)) {
    const fixed = new TextEncoder().encode("20000101000000");
    bytes.set(fixed, index + name!.length);
  }
  return bytes;
}

const DATE = /(\/(?:Creation|Mod)Date \(D:)\d{14}/g;

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await writeAtomically(path, (temporary) => Deno.writeFile(temporary, bytes));
}
