import { parseFlags } from "lib/cli/flags.ts";
import { resolveData, resolveModel, type Source } from "lib/hub/resolve.ts";
import { note, runVerb, say } from "lib/cli/terminal.ts";
import { text, toggle } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { downloadProgress } from "./train/download_progress.ts";

const PULL = {
  name: "pull",
  summary:
    "Downloads models or data sets from the Hub into its local cache and verifies them.",
  positionals: [{
    name: "id",
    help:
      "org/name[@revision], or one file as org/name:file.gguf; for data org/name[@revision][:split]",
    many: true,
  }],
  flags: {
    data: toggle({ help: "the ids are data sets, not models" }),
    revision: text({
      help: "branch, tag or commit of ids that name none; main if absent",
      placeholder: "NAME",
    }),
  },
  examples: [
    "deno task pull HuggingFaceTB/SmolLM2-135M-Instruct",
    "deno task pull --data Anthropic/hh-rlhf:helpful-base/train",
    "HF_ENDPOINT=http://localhost:8080 deno task pull org/name@v1.0",
  ],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(PULL, Deno.args),
  async ({ positionals, values: { data, ...given } }) => {
    const options = { ...given, onFile: downloadProgress(), onWait: note };
    for (const id of positionals.id) {
      if (data) {
        const { files, source } = await resolveData(id, options);
        report(id, source, files);
      } else {
        const { folder, source } = await resolveModel(id, options);
        report(id, source, [folder]);
      }
    }
  },
  () => "Stopped; the same command goes on with what has arrived",
);

function report(id: string, source: Source, paths: readonly string[]): void {
  if (source.kind === "local") {
    throw new Error(
      `Cannot pull "${id}": it is a local path, expected org/name`,
    );
  }
  say([`${id}  ${source.commit}`, ...paths].join("\n  "));
}
