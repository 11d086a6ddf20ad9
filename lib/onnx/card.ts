const ARGUMENTS = ["--query-gpu=memory.free", "--format=csv,noheader,nounits"];

/**
 * Bytes that are free on the NVIDIA card that a run has; null where the driver
 * does not tell, as of a part of a card. Where no variable says which card that
 * is, it is the one with the most: CUDA counts cards in another order than the
 * driver.
 *
 * @param options `program` that lists a number of MiB for each card, and
 * `visible`: the cards that CUDA may use, by numbers or names.
 */
export async function freeOnCard(
  {
    program = "nvidia-smi",
    visible = Deno.env.get("CUDA_VISIBLE_DEVICES") ?? "",
  }: { program?: string; visible?: string } = {},
): Promise<number | null> {
  const [card] = visible.split(",");
  const text = await askDriver(
    [...card ? [`--id=${card}`] : [], ...ARGUMENTS],
    program,
  );
  return text === null ? null : mostOf(text);
}

/** What NVIDIA's driver prints; null where it is missing or refuses. */
export async function askDriver(
  args: readonly string[],
  program: string,
): Promise<string | null> {
  const command = new Deno.Command(program, {
    args: [...args],
    ...{ stdin: "null", stdout: "piped", stderr: "null" },
  });
  try {
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The largest of the numbers of MiB, in bytes; null if any is missing. */
function mostOf(lines: string): number | null {
  const found = lines.trim().split("\n").map((line) => Number(line || NaN));
  const most = Math.max(...found);
  return Number.isNaN(most) ? null : most * 2 ** 20;
}
