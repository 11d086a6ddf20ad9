import { join } from "node:path";
import { untilDone } from "../files/temporary.ts";

/** Names under which Chromium is installed. */
const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--hide-scrollbars",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--virtual-time-budget=5000",
];

/**
 * Opens a page in Chromium until it has done what the flags say.
 *
 * @param options `folder` is for its temporary files.
 * @returns the text that it printed.
 * @throws Error where no Chromium is installed.
 */
export async function runBrowser(
  page: string,
  { folder, flags }: { folder: string; flags: readonly string[] },
): Promise<string> {
  const profile = `--user-data-dir=${join(folder, "profile")}`;
  for (const name of BROWSERS) {
    try {
      const browser = new Deno.Command(name, {
        args: [...FLAGS, profile, ...flags, `file://${page}`],
        env: { TMPDIR: folder },
        stdout: "piped",
        stderr: "null",
      }).spawn();
      // One that has ended cannot be killed.
      using _ = untilDone(
        `process ${browser.pid}`,
        () => browser.kill("SIGKILL"),
      );
      const { stdout } = await browser.output();
      return new TextDecoder().decode(stdout);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(
    `Cannot draw a picture: none of ${BROWSERS.join(", ")} is installed`,
  );
}
