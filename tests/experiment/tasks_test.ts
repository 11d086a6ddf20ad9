import { deepEqual, equal, rejects } from "node:assert/strict";
import { shareTasks, type Task, ValueTask } from "lib/experiment/tasks.ts";

const log: string[] = [];

/** A task that leaves its name, or fails with it. */
function task(
  name: string,
  { after, fails = false }: { after?: Task<string>; fails?: boolean } = {},
): Task<string> {
  const run = () => {
    log.push(name);
    return fails ? Promise.reject(new Error(`no ${name}`)) : Promise.resolve();
  };
  return { name, after, run };
}

/** Shares tasks, and gives the names of those that were tried. */
async function share(
  tasks: readonly Task<string>[],
  { workers = ["a"], signal }: { workers?: string[]; signal?: AbortSignal } =
    {},
): Promise<{ tried: string[]; done: number; error: Error | null }> {
  log.length = 0;
  let done = 0;
  const error = await shareTasks(workers, tasks, {
    ...{ signal, onDone: () => done++ },
  }).then(() => null, (error: Error) => error);
  return { tried: [...log], done, error };
}

Deno.test("one worker takes tasks in order, several wait for what comes before", async () => {
  const first = task("first");
  const second = task("second", { after: first });
  const tasks = [first, second, task("third", { after: second }), task("free")];
  for (const workers of [["a"], ["a", "b", "c"]]) {
    const { tried, done, error } = await share(tasks, { workers });
    deepEqual([done, error], [4, null]);
    const chain = tried.filter((name) => name !== "free");
    deepEqual(chain, ["first", "second", "third"]);
  }
  const { tried } = await share(tasks);
  deepEqual(tried, ["first", "second", "third", "free"]);
});

Deno.test("a failure drops those that need it, and the others are done", async () => {
  const good = task("good");
  const bad = task("bad", { fails: true });
  const lost = task("lost", { after: bad });
  const { tried, done, error } = await share([
    ...[good, bad, lost, task("lost too", { after: lost })],
    task("other", { after: good }),
  ]);
  deepEqual(tried, ["good", "bad", "other"]);
  equal(done, 2);
  equal(
    error!.message,
    "Cannot finish bad: no bad; 3 of the jobs are missing, the others are kept",
  );
});

Deno.test("the message counts further failures", async () => {
  const fails = true;
  const tasks = ["one", "two"].map((name) => task(name, { fails }));
  const { error } = await share([task("good"), ...tasks]);
  equal(
    error!.message,
    "Cannot finish one: no one (and 1 more that failed); 2 of the jobs are missing, the others are kept",
  );
});

Deno.test("where nothing succeeds, nothing more is tried after three failures", async () => {
  const names = ["1", "2", "3", "4", "5"];
  const failing = names.map((name) => task(name, { fails: true }));
  deepEqual((await share(failing)).tried, ["1", "2", "3"]);
  const later = await share([task("0"), ...failing]);
  deepEqual(later.tried, ["0", ...names]);
});

Deno.test("after a signal no task is started, and its reason is thrown", async () => {
  const stop = new AbortController();
  const stopping: Task<string> = {
    name: "stopping",
    run: () => {
      stop.abort(new Error("enough"));
      return Promise.reject(new Error("killed"));
    },
  };
  const tasks = [stopping, task("never")];
  const { tried, error } = await share(tasks, { signal: stop.signal });
  deepEqual([tried, error!.message], [[], "enough"]);
});

Deno.test("a value is freed after the last task that uses it, failed ones too", async () => {
  const value = new ValueTask("value", () => Promise.resolve([7]));
  const seen: unknown[] = [];
  const user = value.user("user", (_, found) => {
    seen.push(found);
    return Promise.resolve();
  });
  const made = value.maker("made", (_, [x]) => Promise.resolve(x! + 1));
  const last = made.user("last", (_, found) => {
    seen.push(found);
    return Promise.reject(new Error("no"));
  });
  deepEqual([user.after, made.after, last.after], [value, value, made]);
  const { done } = await share([value, user, made, last]);
  equal(done, 3);
  deepEqual(seen, [[7], 8]);
  for (const task of [user, made, last]) {
    await rejects(task.run("a"), TypeError, `${task.name} found a value`);
  }
});
