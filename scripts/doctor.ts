import { toggle } from "lib/cli/flag.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { runVerb, say } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { inspectMachine } from "./doctor/findings.ts";
import { sentencesOf, tableOf } from "./doctor/lines.ts";

const DOCTOR = {
  name: "doctor",
  summary:
    "Says whether this machine can train and what it lacks: devices, speed, memory, cache.",
  flags: { json: toggle({ help: "print one JSON object" }) },
  examples: ["deno task doctor", "deno task doctor --json > machine.json"],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(DOCTOR, Deno.args),
  async ({ values: { json } }) => {
    const findings = await inspectMachine();
    if (json) return say(JSON.stringify(findings, null, 2));
    say(`${sentencesOf(findings).join("\n")}\n`);
    say(tableOf(findings));
  },
);
