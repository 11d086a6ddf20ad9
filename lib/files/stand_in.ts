/** Texts that a checkout has in place of large files, and how to get those. */
const STAND_INS = [
  {
    text: /^version https:\/\/(git-lfs|hawser)\.github\.com\/spec\/v1\s/,
    name: "a Git LFS pointer",
    command: "git lfs pull",
  },
  {
    text: /^\/annex\/objects\//,
    name: "a git-annex pointer",
    command: "git annex get",
  },
] as const;

/** https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: fewer than 1024. */
const MOST_BYTES = 1023;

/**
 * Refuses a file that only says which other one belongs in its place.
 *
 * @param path a regular file; pipes and devices are left alone.
 * @throws Error that says how to get the file; `Deno.errors.NotFound` if it is
 * missing.
 */
export async function refuseStandIn(path: string): Promise<void> {
  const { isFile, size } = await Deno.stat(path);
  if (!isFile || size > MOST_BYTES) return;
  const text = new TextDecoder().decode(await Deno.readFile(path));
  const found = STAND_INS.find((one) => one.text.test(text));
  if (!found) return;
  throw new Error(
    `it is ${found.name}, not the file that it stands for: get that with ` +
      `"${found.command}", or from the Hub with "deno task pull"`,
  );
}
