import { canonicalJson } from "../record/canonical_json.ts";
import type { RunRecord } from "../record/record.ts";
import type { Origin } from "../plot/figure_page.ts";

/** How results were made, as their records tell; `folder` is where they lie. */
export function originOf(
  records: readonly RunRecord[],
  folder: string,
): Origin {
  const each = (tell: (record: RunRecord) => string | readonly string[]) =>
    listed(records.flatMap(tell), 3);
  const days = records.map(({ timings }) => timings.startedAt.slice(0, 10))
    .sort();
  const seconds = records.map(({ timings }) => timings.seconds)
    .reduce((a, b) => a + b, 0);
  return {
    facts: Object.entries({
      "made again by": `deno task reproduce ${folder}`,
      commit: each(({ provenance }) =>
        provenance
          ? `${provenance.commit}${provenance.dirty ? ", changed" : ""}`
          : "none"
      ),
      weights: each(({ model: { source, weights } }) =>
        weights === null ? [] : `${source}, SHA-256 ${weights}`
      ),
      examples: each(({ data }) =>
        data.map(({ role, source, sha256 }) =>
          `${role}: ${source}, SHA-256 ${sha256}`
        )
      ),
      machine: each(machineOf),
      software: each(({ environment: { deno, packages } }) =>
        Object.entries({ Deno: deno, ...packages })
          .map(([name, version]) => `${name} ${version}`).join(", ")
      ),
      time: `${duration(seconds)}, begun ${
        [...new Set([days[0]!, days.at(-1)!])].join(" to ")
      }`,
    }).filter(([, fact]) => fact !== ""),
    settings: settingsOf(records),
  };
}

function machineOf({ environment }: RunRecord): string {
  const { cpu, cores, os, device, threads } = environment;
  return `${
    cpu ?? "unknown processor"
  }, ${cores} cores, ${os}; device ${device}, ${threads} ${
    threads === 1 ? "thread" : "threads"
  }`;
}

/** The settings that all records share. */
function settingsOf([first]: readonly RunRecord[]): string {
  const { run: _run, ...settings } = first!.settings;
  return canonicalJson(settings, { indent: 2 });
}

/** The first of several names, each once, and the number of others. */
export function listed(names: readonly string[], most = 1): string {
  const all = [...new Set(names)];
  const shown = all.slice(0, most).join("; ");
  const others = all.length - most;
  if (others <= 0) return shown;
  return `${shown}, and ${others} ${others === 1 ? "other" : "others"}`;
}

/** Seconds in two digits of a fitting unit. */
function duration(seconds: number): string {
  const [unit, size] = seconds < 100
    ? ["seconds", 1]
    : seconds < 6000
    ? ["minutes", 60]
    : ["hours", 3600];
  return `${Number((seconds / size).toPrecision(2))} ${unit}`;
}
