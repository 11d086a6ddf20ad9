import { equal, ok } from "node:assert/strict";
import { COMPARE_FLAGS } from "experiments/comparison/flags.ts";
import { EXPERIMENT_FLAGS } from "experiments/run_directly.ts";
import { siteOf } from "experiments/sites/flags.ts";
import { parseFlags } from "lib/cli/flags.ts";
import type { Verb } from "lib/cli/verb.ts";
import config from "../deno.json" with { type: "json" };
import type { Site } from "lib/experiment/site.ts";
import { checkout } from "./places.ts";

const page = Deno.readTextFileSync(checkout("experiments/CLUSTERS.md"));

/** The commands of the page, block by block. */
const BLOCKS = [...page.matchAll(/^```sh\n(.*?)^```$/gms)]
  .map(([, block]) => block!.replaceAll("\\\n", " ").trim().split("\n"));

/** Words of a command, as a shell has them. */
function wordsOf(command: string): string[] {
  const { stdout } = new Deno.Command("sh", {
    args: ["-c", `printf '%s\\n' ${command}`],
  }).outputSync();
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

const NAMED = {
  summary: "",
  positionals: [{ name: "names", help: "", many: true, optional: true }],
  examples: [],
} as const;
const EXPERIMENT = {
  ...{ ...NAMED, name: "experiment", flags: EXPERIMENT_FLAGS },
} as const satisfies Verb;
const COMPARE = {
  ...{ ...NAMED, name: "compare", flags: COMPARE_FLAGS },
} as const satisfies Verb;

/** The site of a command that has one. */
function siteIn([name, ...args]: readonly string[]): Site | null {
  const parsed = name === "experiment"
    ? parseFlags(EXPERIMENT, args)
    : name === "compare"
    ? parseFlags(COMPARE, args)
    : null;
  return parsed?.help === undefined && parsed ? siteOf(parsed.values) : null;
}

Deno.test("from a clone to a figure there are six commands", () => {
  equal(BLOCKS[0]!.length, 6);
});

Deno.test("the commands of the page are verbs, with flags that they have", () => {
  const commands = BLOCKS.flat()
    .filter((line) => line.startsWith("deno task "))
    .map((line) => wordsOf(line).slice(2));
  ok(commands.length > 6);
  for (const [name = ""] of commands) ok(name in config.tasks, name);
  const sites = commands.map(siteIn).filter((site) => site !== null);
  equal(sites.length, 5);
});
