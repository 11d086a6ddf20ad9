import { fileURLToPath } from "node:url";

const at = (path: string) =>
  fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The absolute path of something in the checkout, or of the checkout. */
export const checkout = (path = ""): string => at(path);

/** The absolute path of something in tests/fixtures. */
export const fixture = (path: string): string => at(`tests/fixtures/${path}`);

/**
 * The absolute path of something in `shared`, the folder beside the checkout,
 * or of that folder. It may be missing: a test that needs it says so in its
 * name and is skipped without it.
 */
export const shared = (path = ""): string => at(`../shared/${path}`);
