/** What a record names by its place on the Hub. */
export interface HubSource {
  /** `org/name` */
  readonly repo: string;
  readonly commit: string;
}

/** Reads `org/name@<commit>`; null for what is not of the Hub. */
export function hubSource(source: string): HubSource | null {
  const [, repo, commit] =
    /^(\w[\w.-]*\/\w[\w.-]*)@([0-9a-f]{40})\b/.exec(source) ?? [];
  return repo === undefined ? null : { repo, commit: commit! };
}
