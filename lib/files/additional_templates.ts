import { join } from "node:path";
import { namesIn } from "./missing.ts";
import { realFile } from "./real_file.ts";
import { reasonOf } from "./values.ts";

/** The folder of a model for chat templates besides the default one. */
export const TEMPLATES = "additional_chat_templates";

/** More than any model has. */
const MAX_TEMPLATES = 100;

/**
 * Paths of a model's named chat templates, from its folder, in order.
 *
 * @throws Error for a file that a link leads to from elsewhere, or too many files.
 */
export async function additionalTemplates(folder: string): Promise<string[]> {
  const names = (await namesIn(join(folder, TEMPLATES)))
    .filter((name) => name.endsWith(".jinja")).sort();
  if (names.length > MAX_TEMPLATES) {
    throw new Error(
      `Cannot use ${join(folder, TEMPLATES)}: it has ${names.length} ` +
        `templates, expected no more than ${MAX_TEMPLATES}`,
    );
  }
  const paths = names.map((name) => `${TEMPLATES}/${name}`);
  for (const path of paths) await assertInside(folder, path);
  return paths;
}

/** Checks links of the file and of the folder that it is in. */
async function assertInside(folder: string, path: string): Promise<void> {
  try {
    await realFile(join(folder, path), folder);
  } catch (cause) {
    throw new Error(`Cannot use ${join(folder, path)}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}
