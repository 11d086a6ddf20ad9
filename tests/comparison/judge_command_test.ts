import {
  deepEqual,
  equal,
  match,
  ok,
  rejects,
  throws,
} from "node:assert/strict";
import process from "node:process";
import { join } from "node:path";
import {
  JudgeCommand,
  portableCommand,
  readScores,
  wordsOf,
} from "experiments/comparison/judge_command.ts";
import { wins } from "experiments/comparison/judge.ts";
import { checkout } from "../places.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const ANSWERS = [
  { prompt: "What is 1 + 1?", answer: "Two" },
  { prompt: [{ role: "user", content: "$(touch x); 'y'" }], answer: "" },
  { prompt: "A\nB", answer: "\u2028 line" },
];

/** A judge of this shell program. */
const shell = (program: string) =>
  JudgeCommand.open(`sh -c '${program.replaceAll("'", `'"'"'`)}'`);

Deno.test("a judge reads each answer with its prompt, and its scores keep their order", async () => {
  using folder = temporaryFolder();
  const seen = join(folder.path, "seen");
  const judge = await shell(
    `tee "${seen}" | awk '{ print "{\\"score\\": " NR - 2.5 ", \\"id\\": " NR - 1 "}" }'`,
  );
  const { scores } = await judge.score(ANSWERS);
  deepEqual(scores, [-1.5, -0.5, 0.5]);
  const lines = (await Deno.readTextFile(seen)).trimEnd().split("\n");
  deepEqual(
    lines.map((line) => JSON.parse(line)),
    ANSWERS.map((answer, id) => ({ id, ...answer })),
  );
});

Deno.test("a judge may stop to read before the end, or not read at all", async () => {
  const many = Array.from({ length: 5000 }, () => ({
    prompt: "a prompt of some length",
    answer: "an answer of some length",
  }));
  const judge = await JudgeCommand.open(
    `awk 'BEGIN { for (i = 0; i < 5000; i++) print "{\\"score\\": 1}" }'`,
  );
  const { scores } = await judge.score(many);
  ok(scores.length === 5000 && scores.every((score) => score === 1));
});

Deno.test("a judge that fails is quoted, its last words first", async () => {
  const failing = await shell("echo first >&2; echo KeyError: 7 >&2; exit 3");
  await rejects(failing.score(ANSWERS), ({ message }: Error) => {
    match(
      message,
      /^Cannot use --judge "sh -c 'echo first.*ended with status 3, expected scores; it said:\nKeyError: 7\n\nfirst\nKeyError: 7$/,
    );
    return true;
  });
  const missing = await JudgeCommand.open("no-such-judge");
  await rejects(missing.score(ANSWERS), {
    message: /"no-such-judge": it ended with status 127.*\n.*no-such-judge/,
  });
  await rejects((await shell("kill -9 $$")).score(ANSWERS), {
    message: /it ended with status 128/,
  });
  await rejects((await shell("echo 7; echo why >&2")).score(ANSWERS), {
    message: /line 1 of its output is 7, expected .*; it said:\nwhy$/,
  });
});

Deno.test("scores are finite numbers, as many as answers and in their order", () => {
  deepEqual(readScores('{"score": 1, "id": 0}\r\n\n{"score": -2e3}\n', 2), [
    1,
    -2000,
  ]);
  const refuses = (output: string, message: RegExp) =>
    throws(() => readScores(output, 2), { message });
  for (const score of ["NaN", "1e999", '"1"', "null", "true"]) {
    refuses(
      `{"score": 1}\n\n{"score": ${score}}`,
      /^line 3 of its output is \{"score": .*\}, expected an object with a finite number as its "score"$/,
    );
  }
  refuses("[1]\n", /^line 1 .* is \[1\]/);
  refuses("", /^it wrote 0 scores, expected one for each of 2 answers$/);
  refuses('{"score": 1}\n'.repeat(3), /^it wrote 3 scores/);
  refuses(
    '{"score": 1, "id": 1}\n{"score": 1, "id": 0}\n',
    /^line 1 of its output has the id 1, expected 0: scores in the order/,
  );
});

Deno.test("a command line is split as a shell does, and nothing in it expands", () => {
  deepEqual(wordsOf(`python judge.py --rubric 'be "brief"' $HOME *`), [
    ...["python", "judge.py", "--rubric", 'be "brief"', "$HOME", "*"],
  ]);
  deepEqual(wordsOf(String.raw`a\ b 'c\"'"d\"\e"'f' '' \'`), [
    ...["a b", String.raw`c\"d"\ef`, "", "'"],
  ]);
  throws(() => wordsOf("python 'judge"), {
    message: /^Cannot read --judge "python 'judge": .*; expected a program/,
  });
  throws(() => wordsOf('a "b\\"'), { message: /a quotation does not end/ });
  throws(() => wordsOf(" "), { message: /it is empty/ });
});

Deno.test("a command for a record has no absolute program", async () => {
  const sh = portableCommand(` "/bin/sh" -c 'echo "{\\"score\\": 3}"' `);
  match(sh, /^'(\.\.\/)+bin\/sh' -c 'echo/);
  const judge = await JudgeCommand.open(sh);
  deepEqual(await judge.score(ANSWERS.slice(1, 2)), {
    ...{ scores: [3], cut: 0 },
  });
  equal(portableCommand("python /a/b.py"), "python /a/b.py");
});

Deno.test("an answer wins with a higher score, and ties half", () => {
  deepEqual(wins([2, 1, 0, -1], [1, 1, 1, -2]), [1, 0.5, 0, 1]);
});

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test(`a judge ends, with what it started, after ${signal} of its caller`, async () => {
    using folder = temporaryFolder();
    const pids = join(folder.path, "pids");
    const caller = join(folder.path, "caller.ts");
    const program =
      `sleep 600 & echo $! $$ > "${pids}.new"; mv "${pids}.new" "${pids}"; wait`;
    await Deno.writeTextFile(
      caller,
      `import { JudgeCommand } from "experiments/comparison/judge_command.ts";
      const judge = await JudgeCommand.open(${
        JSON.stringify(`sh -c '${program}'`)
      });
      await judge.score([{ prompt: "", answer: "" }]);`,
    );
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--config",
        checkout("deno.json"),
        caller,
      ],
    }).spawn();
    const found = await until(() => Deno.readTextFile(pids).catch(() => null));
    child.kill(signal);
    await child.status;
    for (const pid of found.trim().split(" ").map(Number)) {
      await until(() => Promise.resolve(isRunning(pid) ? null : pid));
    }
  });
}

/** The first value that is not null. */
async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("expected this within 10 seconds");
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // One that nobody waits for stays in the table.
  return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
}

Deno.test("a judge's files are known by their contents, which may not change while it judges", async () => {
  using folder = temporaryFolder();
  const script = join(folder.path, "judge.sh");
  const write = (score: number) =>
    Deno.writeTextFile(script, `#!/bin/sh\necho '{"score": ${score}}'\n`);
  await write(1);
  const command = `sh ${script}`;
  const judge = await JudgeCommand.open(command);
  const one = ANSWERS.slice(0, 1);
  deepEqual((await judge.score(one)).scores, [1]);
  await write(2);
  await rejects(judge.score(one), {
    message:
      `Cannot use ${command}: its contents are no longer those that the comparison began with`,
  });
  const other = await JudgeCommand.open(command);
  deepEqual((await other.score(one)).scores, [2]);
  ok(other.hash !== judge.hash);
  equal((await JudgeCommand.open(`${script} x`)).hash, other.hash);
  const words = `sh -c '${"x".repeat(5000)}'`;
  equal((await JudgeCommand.open(words)).hash, null);
});
