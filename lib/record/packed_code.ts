import { runProgram } from "../files/program.ts";
import { reasonOf } from "../files/values.ts";
import { CHECKOUT, provenance } from "./environment.ts";

/** The code of a commit, as it travels to another machine. */
export interface Code {
  readonly commit: string;
  /** A tar of its files, compressed by gzip. */
  readonly archive: Blob;
}

/** Folders that no job reads. */
const LEFT_OUT = ["results", "tests"];

/**
 * Packs the code of a checkout.
 *
 * @throws Error where it differs from its commit, as records would name a commit
 * whose code did not make them.
 */
export async function packedCode(checkout = CHECKOUT): Promise<Code> {
  const found = await provenance({ checkout });
  if (!found || checkout === null) {
    throw new Error(
      "Cannot send the code: expected a checkout of the repository, with git",
    );
  }
  const { commit, dirty } = found;
  if (dirty) {
    throw new Error(
      "Cannot send the code: files differ from the commit that records would name; commit them first",
    );
  }
  const args = [
    ...["archive", "--format=tar.gz", commit, "--", "."],
    ...LEFT_OUT.map((folder) => `:(exclude)${folder}`),
  ];
  const archive = await runProgram("git", args, { cwd: checkout })
    .catch((cause) => {
      throw new Error(`Cannot pack the code: ${reasonOf(cause)}`, { cause });
    });
  return { commit, archive: new Blob([archive]) };
}
