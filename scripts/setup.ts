import { toggle } from "lib/cli/flag.ts";
import { parseFlags, UsageError } from "lib/cli/flags.ts";
import { note, runVerb, say } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { unavailable } from "lib/onnx/devices.ts";
import { setUpCuda } from "lib/onnx/set_up_cuda.ts";

const SETUP = {
  name: "setup",
  summary:
    "Sets up training on an NVIDIA GPU: downloads CUDA's libraries, which take 1.9 GiB, into the user's cache and tries them.",
  positionals: [{ name: "device", help: "cuda; other devices need no setup" }],
  flags: {
    elsewhere: toggle({
      help:
        "download them for machines that share this cache, and try nothing " +
        "on this one, which may lack the driver",
    }),
  },
  examples: ["deno task setup cuda", "deno task setup cuda --elsewhere"],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(SETUP, Deno.args),
  async ({ positionals: { device }, values: { elsewhere } }) => {
    if (device !== "cuda") {
      throw new UsageError(`Cannot set up "${device}": expected cuda`);
    }
    const folder = await setUpCuda({
      onNote: note,
      ...elsewhere && { driver: null },
    });
    say(`CUDA's libraries are in ${folder}`);
    if (elsewhere) return;
    const fault = await unavailable(device);
    if (fault) throw fault;
    say("Device cuda works");
  },
  () => "Stopped; nothing is left of it",
);
