import { dirname, sep } from "node:path";
import { refuseStandIn } from "./stand_in.ts";

/** The environment variable that lets links lead out of their folder. */
const SWITCH = "PREFGRAD_FOLLOW_LINKS";

/**
 * The real path of a file in a folder that somebody else made.
 *
 * It must be a regular file (opening a pipe or a device may never end), and
 * links to it must stay in the folder: files of a model may be shown in errors,
 * copied into an export and pushed, so a link out of the folder could publish
 * any file of this machine. In the Hub's cache, where a commit's files are
 * links into the repository's blobs, the folder is the repository's.
 *
 * @param folder the file's own folder, or one above it.
 * @param mayLeave whether links may lead elsewhere. @default if the environment
 * has `PREFGRAD_FOLLOW_LINKS=1`
 * @throws Error naming the kind of file or the link, or that it is a stand-in as
 * Git LFS has them; `Deno.errors.NotFound` if it is missing.
 */
export async function realFile(
  path: string,
  folder = dirname(path),
  mayLeave?: boolean,
): Promise<string> {
  const target = await Deno.realPath(path);
  const isInside = target.startsWith(await boundary(folder));
  if (!isInside && !(mayLeave ?? Deno.env.get(SWITCH) === "1")) {
    const others = mayLeave === undefined
      ? `, or set ${SWITCH}=1 if you trust the folder's links`
      : "";
    throw new Error(
      `expected a file in the folder, found a link to ${target} ` +
        `(copy or hard-link it there${others})`,
    );
  }
  const { isFile, isDirectory } = await Deno.stat(target);
  if (isFile) {
    await refuseStandIn(target);
    return target;
  }
  const kind = isDirectory ? "a folder" : "a pipe or a device";
  throw new Error(`expected a file, found ${kind}`);
}

/** The beginning of the real paths of a folder's files. */
async function boundary(folder: string): Promise<string> {
  const real = (await Deno.realPath(folder))
    .replace(/[/\\]snapshots[/\\][0-9a-f]{40}([/\\].*)?$/, "");
  return real.endsWith(sep) ? real : real + sep;
}
