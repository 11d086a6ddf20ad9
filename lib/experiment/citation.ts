import config from "../../deno.json" with { type: "json" };
import { orNull } from "../files/missing.ts";
import { readRuns } from "./records.ts";

/** Commits of the code that made the results in a folder; none without any. */
export async function commitsOf(folder: string): Promise<string[]> {
  const runs = await orNull(readRuns(folder)) ?? [];
  const commits = runs.flatMap(({ record: { provenance } }) => {
    if (provenance === null) return [];
    return `${provenance.commit}${provenance.dirty ? " with changes" : ""}`;
  });
  return [...new Set(commits)];
}

/** A publication: where a claim was made. */
export interface Publication {
  readonly title: string;
  readonly url: string;
}

/** Things of an experiment that a paper cites. */
export interface Citable {
  /** Name of the experiment. */
  readonly experiment: string;
  /** Sources of its claims; those of one address are one, of none no entry. */
  readonly sources: readonly Publication[];
  /** Commits of the code that made its results; none without results. */
  readonly commits: readonly string[];
}

/**
 * BibTeX of this software, with the commit of an experiment's results, and of
 * the sources of its claims.
 */
export function bibtex({ experiment, sources, commits }: Citable): string {
  const made = commits.length > 0
    ? `, whose results were made by commit ${commits.join(" and ")}`
    : "";
  const software = entry("software", "prefgrad", {
    author: "{The prefgrad authors}",
    title: "prefgrad",
    version: config.version,
    note: `Experiment ${experiment}${made}`,
  });
  const published = sources.filter(({ url }) => url !== "");
  const byUrl = new Map(published.map((source) => [source.url, source]));
  return [software, ...byUrl.values().map(publication)].join("\n\n");
}

function publication({ title, url }: Publication): string {
  const [, eprint] = url.match(/arxiv\.org\/(?:abs|pdf)\/([\d.]+\d)/) ?? [];
  const key = eprint === undefined
    ? title.toLowerCase().replace(/[^a-z\d]+/g, "-")
    : `arxiv-${eprint}`;
  return entry("misc", key, {
    title,
    ...eprint !== undefined && { eprint, archivePrefix: "arXiv" },
    url,
  });
}

function entry(
  type: string,
  key: string,
  fields: Readonly<Record<string, string>>,
): string {
  const lines = Object.entries(fields).map(([name, value]) =>
    `  ${name} = {${name === "url" ? value : escaped(value)}},`
  );
  return [`@${type}{${key},`, ...lines, "}"].join("\n");
}

function escaped(text: string): string {
  return text.replace(/[&%$#_]/g, "\\$&");
}
