import { isRepoName, type Repo, repoFor, type RepoOptions } from "./repo.ts";
import { listTree, revisionInfo } from "./listing.ts";
import { pushing, pushStep } from "./push_request.ts";
import { NoRepository, NoRevision } from "./refusal.ts";
import { contentHash, gitHasher, type Tree } from "./tree.ts";
import { createHash } from "node:crypto";

/** A file as it would be pushed. */
export interface PushFile extends Fingerprint {
  readonly path: string;
  readonly content: PushContent;
  /** What becomes of the one in the repository. */
  readonly change: "new" | "changed" | "same";
}

/** Who may read a repository. */
export type Visibility = "private" | "public";

/** What a push would do. */
export interface PushPlan {
  readonly repo: Repo;
  readonly visibility: Visibility;
  /** What has to be made first. */
  readonly creates: "repository" | "branch" | null;
  /** The commit that it goes on from; null for a new repository. */
  readonly parent: string | null;
  readonly pullRequest: boolean;
  readonly files: readonly PushFile[];
  /** Files of the repository that stay as they are. */
  readonly others: readonly string[];
}

/** Options for {@linkcode planPush}. */
export interface PushOptions extends RepoOptions {
  /** As the repository is, if there is one. @default "private" */
  visibility?: Visibility;
  /** Whether to ask for the change instead of making it. @default false */
  pullRequest?: boolean;
}

/**
 * Finds out what a push would do. Nothing is changed.
 *
 * @param name `org/name`
 * @param contents by path in the repository.
 * @throws without a token, and where the Hub would not take it.
 */
export async function planPush(
  name: string,
  contents: ReadonlyMap<string, PushContent>,
  options: PushOptions = {},
): Promise<PushPlan> {
  const { visibility = "private", pullRequest = false, ...given } = options;
  const id = { repo: name, revision: null, part: null };
  const repo = await repoFor("model", id, given);
  requireSense(repo, pullRequest);
  const target = await pushStep(repo, findTarget(repo));
  if (target === null && pullRequest) {
    throw cannotPush(repo, "there is no such repository to ask for a change");
  }
  if (target !== null) requireVisibility(repo, target, visibility);
  const parent = target?.parent ?? null;
  const there = parent === null ? {} : await listTree(repo, parent);
  return {
    ...{ repo, visibility, parent, pullRequest },
    creates: target === null ? "repository" : target.creates,
    files: await Promise.all(
      Array.from(contents, (entry) => planFile(entry, there)),
    ),
    others: Object.keys(there).filter((path) => !contents.has(path)),
  };
}

/** Refuses what no Hub need be asked about. */
function requireSense(repo: Repo, pullRequest: boolean): void {
  if (!isRepoName(repo.name)) {
    throw cannotPush(repo, "expected org/name");
  }
  if (repo.token === null) {
    throw cannotPush(repo, "set HF_TOKEN to a token that may write there");
  }
  if (pullRequest && repo.revision !== "main") {
    throw cannotPush(
      repo,
      `a pull request asks for a change of main, not of "${repo.revision}"`,
    );
  }
}

/** Nothing shall be public because nobody thought of it. */
function requireVisibility(repo: Repo, found: Target, wanted: Visibility) {
  if (found.visibility === wanted) return;
  throw cannotPush(
    repo,
    wanted === "private"
      ? "it is public, and nobody said that what you push may be: --public does"
      : "it is private: that is changed in its settings on the Hub",
  );
}

function cannotPush({ name }: Repo, why: string): Error {
  return new Error(`Cannot push to "${name}": ${why}`);
}

interface Target extends Pick<PushPlan, "visibility"> {
  readonly parent: string;
  readonly creates: "branch" | null;
}

/** The revision to push to, or null where there is no repository. */
async function findTarget(repo: Repo): Promise<Target | null> {
  const main = await infoOf({ ...repo, revision: "main" }).catch((error) => {
    if (error instanceof NoRepository) return null;
    throw error;
  });
  if (main === null || repo.revision === "main") return main;
  return await infoOf(repo).catch((error) => {
    if (!(error instanceof NoRevision)) throw error;
    return { ...main, creates: "branch" as const };
  });
}

async function infoOf(repo: Repo): Promise<Target> {
  const { commit, isPrivate } = await revisionInfo(repo, pushing(repo));
  const visibility = isPrivate ? "private" : "public";
  return { visibility, parent: commit, creates: null };
}

/** Whether a repository has a file with this content. */
export function hasContent(
  tree: Tree,
  { path, sha256, git }: Fingerprint & { path: string },
): boolean {
  const there = tree[path];
  return there !== undefined &&
    contentHash(there) === (there.lfs_sha256 === undefined ? git : sha256);
}

async function planFile(
  [path, content]: [string, PushContent],
  there: Tree,
): Promise<PushFile> {
  const found = { path, content, ...await fingerprint(content) };
  const same = hasContent(there, found);
  return {
    ...found,
    change: !(path in there) ? "new" : same ? "same" : "changed",
  };
}

/** A content, or the `file:` URL of one: what `@huggingface/hub` takes. */
export type PushContent = Blob | URL;

/** What tells one content from another. */
export interface Fingerprint {
  readonly size: number;
  readonly sha256: string;
  /** What git calls it. */
  readonly git: string;
}

/** Reads a content once, in pieces. */
export async function fingerprint(content: PushContent): Promise<Fingerprint> {
  const { size } = content instanceof URL ? await Deno.stat(content) : content;
  const sha256 = createHash("sha256");
  const git = gitHasher(size);
  const pieces = content instanceof URL
    ? (await Deno.open(content)).readable
    : content.stream();
  for await (const piece of pieces) {
    sha256.update(piece);
    git.update(piece);
  }
  return { size, sha256: sha256.digest("hex"), git: git.digest("hex") };
}
