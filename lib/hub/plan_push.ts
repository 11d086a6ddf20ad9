import { listTree, revisionInfo } from "./listing.ts";
import { pushFetch, pushStep } from "./push_request.ts";
import { NoRepository, NoRevision } from "./refusal.ts";
import { isRepoName, type Repo, repoFor, type RepoOptions } from "./repo.ts";
import {
  type Fingerprint,
  fingerprint,
  hasContent,
  type PushContent,
  type Tree,
} from "./tree.ts";

/** A file to be pushed. */
export interface PushFile extends Fingerprint {
  readonly path: string;
  readonly content: PushContent;
  /** How it differs from the file in the repository. */
  readonly change: "new" | "changed" | "same";
}

/** Who may read a repository. */
export type Visibility = "private" | "public";

/** The effect that a push would have. */
export interface PushPlan {
  readonly repo: Repo;
  readonly visibility: Visibility;
  /** The missing repository or branch, which a push creates first. */
  readonly creates: "repository" | "branch" | null;
  /** The commit on which it builds; null for a new repository. */
  readonly parent: string | null;
  readonly pullRequest: boolean;
  readonly files: readonly PushFile[];
  /** Files of the repository that stay as they are. */
  readonly others: readonly string[];
}

/** Options for {@linkcode planPush}. */
export interface PushOptions extends RepoOptions {
  /** The kind of the repository. @default "model" */
  type?: Repo["type"];
  /** The visibility that the repository has or is to have. @default "private" */
  visibility?: Visibility;
  /** Whether to ask for the change instead of making it. @default false */
  pullRequest?: boolean;
}

/**
 * Finds out what a push would do. Nothing is changed.
 *
 * @param name `org/name`
 * @param contents by path in the repository.
 * @throws without a token, and where the Hub would not accept it.
 */
export async function planPush(
  name: string,
  contents: ReadonlyMap<string, PushContent>,
  options: PushOptions = {},
): Promise<PushPlan> {
  const { visibility = "private", pullRequest = false, ...given } = options;
  const id = { repo: name, revision: null, part: null };
  const repo = await repoFor(given.type ?? "model", id, given);
  checkOptions(repo, pullRequest);
  const target = await pushStep(repo, findTarget(repo));
  if (target === null && pullRequest) {
    throw cannotPush(repo, "there is no such repository to ask for a change");
  }
  if (target !== null) checkVisibility(repo, target, visibility);
  const parent = target?.parent ?? null;
  const tree = parent === null ? {} : await listTree(repo, parent);
  return {
    ...{ repo, visibility, parent, pullRequest },
    creates: target === null ? "repository" : target.creates,
    files: await Promise.all(
      Array.from(contents, (entry) => planFile(entry, tree)),
    ),
    others: Object.keys(tree).filter((path) => !contents.has(path)),
  };
}

/** Refuses what is wrong without asking a Hub. */
function checkOptions(repo: Repo, pullRequest: boolean): void {
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

/** Nothing becomes public unless somebody asked for it. */
function checkVisibility(repo: Repo, target: PushTarget, wanted: Visibility) {
  if (target.visibility === wanted) return;
  throw cannotPush(
    repo,
    wanted === "private"
      ? "it is public: give --public to publish your files"
      : "it is private: change that in its settings on the Hub",
  );
}

function cannotPush({ name }: Repo, reason: string): Error {
  return new Error(`Cannot push to "${name}": ${reason}`);
}

interface PushTarget extends Pick<PushPlan, "visibility"> {
  readonly parent: string;
  readonly creates: "branch" | null;
}

/** The revision to push to, or null where there is no repository. */
async function findTarget(repo: Repo): Promise<PushTarget | null> {
  const main = await readTarget({ ...repo, revision: "main" })
    .catch((error) => {
      if (error instanceof NoRepository) return null;
      throw error;
    });
  if (main === null || repo.revision === "main") return main;
  return await readTarget(repo).catch((error) => {
    if (!(error instanceof NoRevision)) throw error;
    return { ...main, creates: "branch" as const };
  });
}

async function readTarget(repo: Repo): Promise<PushTarget> {
  const { commit, isPrivate } = await revisionInfo(repo, pushFetch(repo));
  const visibility = isPrivate ? "private" : "public";
  return { visibility, parent: commit, creates: null };
}

async function planFile(
  [path, content]: [string, PushContent],
  tree: Tree,
): Promise<PushFile> {
  const file = { path, content, ...await fingerprint(content) };
  const isSame = hasContent(tree, file);
  return {
    ...file,
    change: !(path in tree) ? "new" : isSame ? "same" : "changed",
  };
}
