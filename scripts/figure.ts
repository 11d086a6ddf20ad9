import { EXPERIMENTS, findExperiment } from "experiments/all.ts";
import { join } from "node:path";
import { parseFlags } from "lib/flags.ts";
import { runVerb, say } from "lib/terminal.ts";
import { text, toggle, type Verb } from "lib/verb.ts";
import { drawPicture } from "./picture.ts";

const FIGURE = {
  name: "figure",
  summary:
    "Makes summaries and figures of experiments anew from their records.",
  positionals: [{
    name: "name",
    help: "experiments; all unless given",
    many: true,
    optional: true,
  }],
  flags: {
    results: text({
      help: "folder in which each experiment has one of its name",
      placeholder: "DIR",
      default: "results",
    }),
    picture: toggle({
      help: "also draw the first panel as figure.png, which takes Chromium",
    }),
  },
  examples: ["deno task figure", "deno task figure frontier --results out"],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(FIGURE, Deno.args),
  async ({ positionals: { name: names }, values: { results, picture } }) => {
    const chosen = names.length > 0 ? names.map(findExperiment) : EXPERIMENTS;
    for (const { name, rebuild } of chosen) {
      const folder = join(results, name);
      await rebuild(folder);
      say(`Wrote ${join(folder, "figure.html")}`);
      if (!picture) continue;
      const figure = await Deno.readTextFile(join(folder, "figure.json"));
      await drawPicture(JSON.parse(figure), join(folder, "figure.png"));
      say(`Wrote ${join(folder, "figure.png")}`);
    }
  },
);
