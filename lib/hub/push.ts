/**
 * Uploads files to a repository of the Hub, in one commit at the end: a push
 * that breaks off before leaves the repository as it was.
 *
 * `@huggingface/hub` does it by Git LFS, whose storage takes a content under
 * its SHA-256 only, and not by Xet. The client neither retries nor checks the
 * result: `push_request.ts` and this file do.
 */
import {
  commit,
  type CommitOutput,
  createBranch,
  createRepo,
} from "@huggingface/hub";
import { listTree } from "./listing.ts";
import type { PushFile, PushPlan } from "./plan_push.ts";
import { type FileProgress, fileTally } from "./progress.ts";
import { clientOptions, pushStep } from "./push_request.ts";
import { hasContent } from "./tree.ts";

/** The result of a push. */
export interface Pushed {
  readonly commit: string;
  /** Address of the commit, or of the pull request. */
  readonly url: string;
}

/** Options for {@linkcode push}. */
export interface PushMessage {
  /** The commit's message. */
  title: string;
  /** Called as files are sent. */
  onFile?: (progress: FileProgress) => void;
  /** Called once all are, before the commit is asked for. */
  onCommit?: () => void;
}

/**
 * Carries out a plan, with the files that are new or changed.
 *
 * @returns null where there are none.
 * @throws where the Hub does not accept it, or the repository is no longer at
 * the commit of the plan. A repository or branch that was created for it then
 * stays, with none of the files.
 */
export async function push(
  plan: PushPlan,
  message: PushMessage,
): Promise<Pushed | null> {
  const files = plan.files.filter(({ change }) => change !== "same");
  if (files.length === 0) return null;
  if (plan.creates !== null) await CREATE[plan.creates](plan);
  const committing = commitFiles(plan, files, message);
  const { commit: { oid, url }, pullRequestUrl } = await pushStep(
    plan.repo,
    committing,
  ).catch((cause: Error) => {
    if (plan.creates === null) throw cause;
    const stays = `the new ${plan.creates} is there, without the files`;
    throw new Error(`${cause.message}; ${stays}`, { cause });
  });
  await checkCommit(plan, oid);
  return { commit: oid, url: pullRequestUrl ?? url };
}

/** Creates a repository or a branch before a push. */
const CREATE: Readonly<
  Record<"repository" | "branch", (plan: PushPlan) => Promise<void>>
> = {
  repository: async ({ repo, visibility }) => {
    const made = createRepo({
      ...clientOptions(repo),
      repo: { type: repo.type, name: repo.name },
      visibility,
      accessToken: "hf_", // required, but send() sets the true one
    });
    await pushStep(repo, made);
  },
  branch: async ({ repo, parent }) => {
    const made = createBranch({
      ...clientOptions(repo),
      repo: { type: repo.type, name: repo.name },
      branch: repo.revision,
      revision: parent!,
    });
    await pushStep(repo, made);
  },
};

async function commitFiles(
  { repo, parent, pullRequest }: PushPlan,
  files: readonly PushFile[],
  { title, onFile, ...hooks }: PushMessage,
): Promise<CommitOutput> {
  const tally = fileTally(files, onFile);
  const sent = new Map<string, number>();
  const onSent = (path: string, bytes: number) => {
    sent.set(path, (sent.get(path) ?? 0) + bytes);
    tally.update(path, sent.get(path)!);
  };
  const output = await commit({
    ...clientOptions(repo, { onSent, ...hooks }),
    repo: { type: repo.type, name: repo.name },
    branch: repo.revision,
    isPullRequest: pullRequest,
    ...parent !== null && { parentCommit: parent },
    useXet: false,
    title,
    operations: files.map(({ path, content }) => ({
      operation: "addOrUpdate",
      path,
      content,
    })),
  });
  files.forEach(({ path }) => tally.finish(path));
  return output!;
}

/** Asks the Hub whether the commit holds the files of the plan. */
async function checkCommit(
  { repo, files }: PushPlan,
  commit: string,
): Promise<void> {
  const tree = await listTree(repo, commit).catch((cause) => {
    throw new Error(
      `Pushed to "${repo.name}" as commit ${commit}, but could not check it: ${cause.message}`,
      { cause },
    );
  });
  const wrong = files.filter((file) => !hasContent(tree, file));
  if (wrong.length === 0) return;
  throw new Error(
    `Pushed to "${repo.name}", but commit ${commit} does not hold ${
      wrong.map(({ path }) => path).join(", ")
    } as on this machine: did another program write to it meanwhile?`,
  );
}
