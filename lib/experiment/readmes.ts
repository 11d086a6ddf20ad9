import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import { namesIn, orNull } from "../files/missing.ts";
import { type Misquotation, quoted } from "./quotations.ts";

/** A quotation in a README that is not what the results say. */
export interface ReadmeMisquotation extends Misquotation {
  /** Path of the README in the checkout. */
  readonly file: string;
}

/** Options for READMEs that quote results. */
export interface ReadmeOptions {
  /** Folder of the checkout, to which quotations are relative. */
  readonly checkout: string;
  /**
   * Text of a file of results by its path there; null where quotations of it do
   * not matter.
   *
   * @default the file's
   */
  readonly read?: (file: string) => string | null;
}

/** Finds every quotation in a README of a checkout that is wrong. */
export async function misquotations(
  options: ReadmeOptions,
): Promise<ReadmeMisquotation[]> {
  const all = await quotedReadmes(options);
  return all.flatMap(({ file, misquotations }) =>
    misquotations.map((each) => ({ file, ...each }))
  );
}

/**
 * Puts what results say into the READMEs of a checkout that quote them.
 *
 * @returns the READMEs that have changed.
 */
export async function quoteInReadmes(
  options: ReadmeOptions,
): Promise<string[]> {
  const all = await quotedReadmes(options);
  const changed = all.filter(({ misquotations }) => misquotations.length > 0);
  for (const { file, text } of changed) {
    await writeTextAtomically(join(options.checkout, file), text);
  }
  return changed.map(({ file }) => file);
}

async function quotedReadmes({ checkout, read }: ReadmeOptions) {
  const experiments = (await namesIn(join(checkout, "experiments"))).sort();
  const files = [
    ...["README.md", "README.zh.md", "experiments/README.md"],
    ...["lib/distributed/README.md", "results/bench/README.md"],
    ...experiments.map((name) => `experiments/${name}/README.md`),
  ];
  const texts = await Promise.all(
    files.map((file) => orNull(Deno.readTextFile(join(checkout, file)))),
  );
  const readFile = (file: string) =>
    Deno.readTextFileSync(join(checkout, file));
  return files.flatMap((file, i) => {
    const text = texts[i];
    return text ? [{ file, ...quoted(text, read ?? readFile) }] : [];
  });
}
