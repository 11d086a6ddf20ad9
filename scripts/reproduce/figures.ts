import { basename, dirname, join, relative, resolve } from "node:path";
import type { TableRow } from "lib/cli/terminal_text.ts";
import type { Experiment } from "lib/experiment/experiment.ts";
import { misquotations } from "lib/experiment/readmes.ts";
import { staleFiles } from "lib/experiment/result_files.ts";

/**
 * Makes summary, figure and tables of results from the records in memory, and
 * compares them, and every quotation of them in a README, with what is there.
 *
 * @param checkout whose READMEs may quote the folder.
 * @returns a row for each place that differs.
 */
export async function staleFigures(
  experiment: Pick<Experiment, "files">,
  { folder, checkout }: { folder: string; checkout: string },
): Promise<TableRow[]> {
  const files = await experiment.files(folder);
  const stale = await staleFiles(folder, files);
  const own = relative(checkout, resolve(folder)).replaceAll("\\", "/");
  const quotations = await misquotations({
    checkout,
    read: (file) => dirname(file) === own ? files[basename(file)]! : null,
  });
  return [
    ...stale.map(({ file, ...rest }) => ({
      file: join(folder, file),
      ...rest,
    })),
    ...quotations.map(({ file, line, source, ...rest }) => ({
      file,
      place: `line ${line}, which quotes ${source}`,
      ...rest,
    })),
  ];
}
