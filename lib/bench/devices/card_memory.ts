import { askDriver } from "../../onnx/card.ts";

/** Asks NVIDIA's driver ten times a second for the MiB that are in use. */
const QUERY = [
  "--query-gpu=memory.used",
  "--format=csv,noheader,nounits",
  "--loop-ms=100",
];

/** Follows how much of a card's memory is in use, by whoever. */
export interface CardMemory {
  /** Bytes that were in use at most since the start; null where nobody tells. */
  stop(): Promise<number | null>;
}

/**
 * Follows the memory of the first NVIDIA card. That counts allocators' reserves
 * and the driver's own part, for our process and for others alike.
 *
 * @param program that prints a number a line until it is ended.
 */
export function followCardMemory(program = "nvidia-smi"): CardMemory {
  try {
    const command = new Deno.Command(program, {
      args: QUERY,
      ...{ stdin: "null", stdout: "piped", stderr: "null" },
    });
    const child = command.spawn();
    return {
      stop: async () => {
        child.kill();
        const { stdout } = await child.output();
        return mostOf(new TextDecoder().decode(stdout));
      },
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { stop: () => Promise.resolve(null) };
  }
}

/** The largest of the numbers, of MiB, in bytes. */
function mostOf(lines: string): number | null {
  const found = lines.split("\n").map(Number).filter((mib) => mib > 0);
  return found.length === 0 ? null : Math.max(...found) * 2 ** 20;
}

/** The NVIDIA cards of this machine by name and memory; none without a driver. */
export async function listCards(program = "nvidia-smi"): Promise<string[]> {
  const text = await askDriver(
    ["--query-gpu=name,memory.total", "--format=csv,noheader"],
    program,
  );
  return text?.trim().split("\n").filter((line) => line !== "") ?? [];
}
