import { join } from "node:path";
import { writeAtomically } from "../files/atomic.ts";
import { temporaryFolder, untilDone } from "../files/temporary.ts";
import type { Figure } from "./figure.ts";
import { figureHtml } from "./figure_page.ts";

/** Names under which Chromium is installed. */
const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

/** Width and height of the picture, in pixels. */
const SIZE = [900, 705] as const;

/**
 * Draws the first panel of a figure as a PNG, with Chromium.
 *
 * @throws Error where no Chromium is installed, or it draws nothing.
 */
export async function drawPicture(
  figure: Figure,
  path: string,
): Promise<void> {
  using folder = await temporaryFolder();
  const page = join(folder.path, "page.html");
  const [first] = figure.panels;
  const alone = { ...figure, text: [], panels: [first!], tables: [] };
  await Deno.writeTextFile(page, figureHtml(alone));
  await writeAtomically(
    path,
    (temporary) => screenshot(page, { folder: folder.path, path: temporary }),
  );
}

async function screenshot(
  page: string,
  { folder, path }: { folder: string; path: string },
): Promise<void> {
  const picture = join(folder, "picture.png");
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    `--user-data-dir=${join(folder, "profile")}`,
    `--window-size=${SIZE}`,
    "--virtual-time-budget=5000",
    `--screenshot=${picture}`,
  ];
  await runBrowser([...flags, `file://${page}`], folder);
  await Deno.rename(picture, path).catch((cause) => {
    throw new Error("Chromium drew no picture", { cause });
  });
}

async function runBrowser(
  args: readonly string[],
  folder: string,
): Promise<void> {
  for (const name of BROWSERS) {
    try {
      const browser = new Deno.Command(name, {
        args: [...args],
        env: { TMPDIR: folder },
        stdout: "null",
        stderr: "null",
      }).spawn();
      // One that has ended cannot be killed.
      using _ = untilDone(
        `process ${browser.pid}`,
        () => browser.kill("SIGKILL"),
      );
      await browser.status;
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(
    `Cannot draw a picture: none of ${BROWSERS.join(", ")} is installed`,
  );
}
