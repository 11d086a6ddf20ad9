import { parseFlags } from "lib/cli/flags.ts";
import { planPush, type PushPlan } from "lib/hub/plan_push.ts";
import { push, type PushMessage } from "lib/hub/push.ts";
import { note, runVerb, say, table, warn } from "lib/cli/terminal.ts";
import { text, toggle } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { downloadProgress } from "./train/download_progress.ts";
import { pushSource } from "./push/source.ts";

const PUSH = {
  name: "push",
  summary:
    "Uploads a trained adapter, a model or an ONNX model with its model card to the Hub; without --yes it only shows the upload.",
  positionals: [
    {
      name: "folder",
      help:
        "folder of a training run, an adapter, a model or an ONNX model; its README.md, if any, is the card",
    },
    { name: "repo", help: "org/name, which is created if it is missing" },
  ],
  flags: {
    yes: toggle({ help: "upload, instead of showing the upload" }),
    public: toggle({
      help: "let everybody read the repository; private if absent",
    }),
    pullRequest: toggle({
      help: "open a pull request instead of changing the branch",
    }),
    revision: text({
      help: "branch, created from main if it is missing",
      placeholder: "NAME",
      default: "main",
    }),
    message: text({
      help: "the commit's message; names the upload if absent",
      placeholder: "TEXT",
    }),
    run: text({
      help: "folder of the training run from which a model was exported",
      placeholder: "DIR",
    }),
    baseModel: text({
      help: "id of the base model, if it was a local folder in training",
      placeholder: "ID",
    }),
  },
  examples: [
    "deno task push out/dpo org/name",
    "deno task push out/dpo org/name --yes",
    "deno task push out/merged org/name --run out/dpo --public --yes",
    "deno task push out/dpo/adapter org/name --base-model org/base --pull-request",
  ],
} as const satisfies Verb;

/** The names of uploads in a commit's message. */
const TITLES = { adapter: "adapter", model: "model", onnx: "ONNX model" };

/** What a signal leaves of the upload, and how to go on. */
let left = "Stopped; nothing was sent";

await runVerb(
  () => parseFlags(PUSH, Deno.args),
  async ({ positionals: { folder, repo }, values }) => {
    const { yes, public: isPublic, message, run, baseModel, ...given } = values;
    const source = await pushSource(folder, {
      repo,
      ...run !== undefined && { run },
      ...baseModel !== undefined && { baseModel },
    });
    source.warnings.forEach(warn);
    const plan = await planPush(repo, source.contents, {
      ...given,
      onWait: note,
      visibility: isPublic ? "public" : "private",
    });
    show(plan);
    if (!yes) {
      say(`\n${source.card}`);
      return say("Nothing was sent; --yes sends it.");
    }
    const pushed = await push(plan, {
      title: message ?? `Add ${TITLES[source.kind]} with prefgrad`,
      ...uploadHooks(),
    });
    say(pushed ? `${pushed.commit}\n  ${pushed.url}` : "Nothing to send");
  },
  () => left,
);

/** Shows the upload, and keeps what is to be said where a signal ends it. */
function uploadHooks(): Pick<PushMessage, "onFile" | "onCommit"> {
  const show = downloadProgress();
  left = "Stopped; no file was sent yet; the same command sends them";
  return {
    onFile: (file) => {
      const { whole, files } = file.all;
      left = `Stopped; ${whole} of ${files} files were sent, and the ` +
        "repository shows none of them yet; the same command goes on";
      show(file);
    },
    onCommit: () =>
      left = "Stopped while the Hub took the files; the same command says " +
        "whether it has them, and goes on otherwise",
  };
}

function show({ repo, visibility, files, others, ...plan }: PushPlan): void {
  const { creates, pullRequest } = plan;
  const notes = [
    visibility,
    ...creates === null ? [] : [`a new ${creates}`],
    ...pullRequest ? ["as a pull request"] : [],
  ].join(", ");
  const branch = repo.revision === "main" ? "" : `, branch ${repo.revision}`;
  say(`${repo.endpoint}/${repo.name}${branch}: ${notes}\n`);
  table(
    files.map(({ path, size, change }) => ({
      file: path,
      size: bytes(size),
      there: change,
    })),
  );
  if (others.length > 0) say(`\nStays as it is: ${others.join(", ")}`);
}

function bytes(size: number): string {
  return size < 1e6
    ? `${(size / 1e3).toFixed(1)} kB`
    : `${(size / 1e6).toFixed(1)} MB`;
}
