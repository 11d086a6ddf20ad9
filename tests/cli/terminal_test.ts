import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { progress, type Screen } from "lib/cli/terminal.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { outcome } from "../scripts/run_script.ts";

/** A screen that records what is drawn, under a clock that the test sets. */
function record(columns: number | null) {
  const drawn: string[] = [];
  const clock = { seconds: 0 };
  const screen: Screen = {
    columns: () => columns,
    now: () => clock.seconds * 1000,
    print: (line) => drawn.push(`print ${line}`),
    pin: (line) => drawn.push(`pin ${line}`),
  };
  return { drawn, clock, screen };
}

Deno.test("progress() prints a plain line every five seconds and the last", () => {
  const { drawn, clock, screen } = record(null);
  const bar = progress({ title: "t", total: 12, screen });
  for (let step = 1; step <= 12; step++) {
    clock.seconds = step;
    bar.update(step, { loss: 1 / step });
  }
  bar.finish();
  bar.finish();
  deepStrictEqual(drawn, [
    "print t  5/12  1/s  ETA 0:07  loss 0.2000",
    "print t  10/12  1/s  ETA 0:02  loss 0.1000",
    "print t  12/12  1/s  in 0:12  loss 0.08333",
  ]);
});

Deno.test("progress() redraws a terminal's line ten times a second at most", () => {
  const { drawn, clock, screen } = record(20);
  {
    using bar = progress({ title: "t", total: 100, screen });
    for (let step = 1; step <= 10; step++) {
      clock.seconds = step / 16;
      bar.update(step);
    }
  }
  deepStrictEqual(drawn.map((line) => line.split("  ").slice(0, 3).join(" ")), [
    "pin t 0/100 ?/s",
    "pin t 2/100 16/s",
    "pin t 4/100 16/s",
    "pin t 6/100 16/s",
    "pin t 8/100 16/s",
    "pin t 10/100 16/s",
    "print t 10/100 16/s",
  ]);
});

Deno.test("progress() takes the rate of the last half minute, at the end of the whole run", () => {
  const { drawn, clock, screen } = record(null);
  const bar = progress({ title: "t", total: 1000, done: 100, screen });
  const rates = [[30, 130], [60, 160], [90, 460], [120, 760], [121, 770]];
  for (const [seconds = 0, done = 0] of rates) {
    clock.seconds = seconds;
    bar.update(done);
  }
  bar.finish();
  const rateOf = (line: string) => line.match(/\S+(?=\/s)/)?.[0];
  // A second of ten steps after the fourth line does not make a rate of its own.
  deepStrictEqual(drawn.map(rateOf), ["1", "1", "10", "10", "5.537"]);
});

/** Runs code that imports lib/terminal.ts in a process of its own. */
function spawn(code: string, names = "runVerb"): Deno.ChildProcess {
  const url = import.meta.resolve("lib/cli/terminal.ts");
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", `import { ${names} } from "${url}";\n${code}`],
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

Deno.test("runVerb() runs the program and exits 0", async () => {
  const child = spawn(
    `await runVerb(() => ({ debug: false, n: 3 }), ({ n }) => {
      say("n is " + n);
      note("n was 2");
      warn("careful");
      table([{ n }]);
    });`,
    "note, runVerb, say, table, warn",
  );
  deepStrictEqual(await outcome(child), {
    code: 0,
    out: "n is 3\nn\n-\n3\n",
    err: "n was 2\nwarning: careful\n",
  });
});

Deno.test("runVerb() prints the help text and runs nothing", async () => {
  const child = spawn(
    `await runVerb(() => ({ help: "usage" }), () => { throw new Error("no"); });`,
  );
  deepStrictEqual(await outcome(child), { code: 0, out: "usage\n", err: "" });
});

Deno.test("runVerb() prints an error without stack and exits 1, or 2 if the command line is wrong", async () => {
  const wrong = spawn(
    `await runVerb(() => { throw new Error("Unknown flag --x"); }, () => {});`,
  );
  deepStrictEqual(await outcome(wrong), {
    code: 2,
    out: "",
    err: "error: Unknown flag --x\n",
  });
  const failing = spawn(
    `await runVerb(() => ({ debug: false }), async () => {
      await 0;
      throw new Error("Cannot train", { cause: new Error("disk full") });
    });`,
  );
  deepStrictEqual(await outcome(failing), {
    code: 1,
    out: "",
    err: "error: Cannot train (disk full)\n",
  });
});

Deno.test("runVerb() prints stack and causes when debugging", async () => {
  const child = spawn(
    `await runVerb(() => ({ debug: true }), () => {
      throw new Error("Cannot train", { cause: new Error("disk full") });
    });`,
  );
  const { code, err = "" } = await outcome(child);
  strictEqual(code, 1);
  match(
    err,
    /^error: Error: Cannot train\n +at .*\[cause\]: Error: disk full\n +at /s,
  );
});

/** Sends Ctrl-C each time the program says something; gives what it says after. */
async function interrupt(
  code: string,
  times: number,
  { signal = "SIGINT", pause = 400 }: {
    signal?: Deno.Signal;
    /** Milliseconds before each further signal. */
    pause?: number;
  } = {},
) {
  const child = spawn(code, "interruption, runVerb, say");
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let i = 0; i < times; i++) {
    await reader.read();
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    child.kill(signal);
  }
  let rest = "";
  for (let part; !(part = await reader.read()).done;) rest += part.value;
  const { code: status } = await child.status;
  return { status, rest, err: await new Response(child.stderr).text() };
}

const LOOP = (stops: boolean) =>
  `await runVerb(() => ({ debug: false }), async () => {
    using stop = interruption();
    say("ready");
    for (let said = false, i = 0; i < 200 && !(${stops} && stop.requested); i++) {
      await new Promise((go) => setTimeout(go, 20));
      if (stop.requested && !said) said = say("again") ?? true;
    }
    say("left after " + stop.requested);
  });`;

Deno.test("interruption() lets the loop end after its step, with status 130", async () => {
  deepStrictEqual(await interrupt(LOOP(true), 1), {
    status: 130,
    err: "warning: stopping after this step; Ctrl-C again stops at once\n",
    rest: "again\nleft after true\n",
  });
});

Deno.test("what Ctrl-C made fail keeps the status 130", async () => {
  const stopped = await interrupt(
    `await runVerb(() => ({ debug: false }), async () => {
      using stop = interruption("this tensor");
      say("ready");
      while (!stop.requested) await new Promise((go) => setTimeout(go, 20));
      throw new Error("stopped");
    });`,
    1,
  );
  deepStrictEqual(stopped, {
    status: 130,
    err: "warning: stopping after this tensor; Ctrl-C again stops at once\n" +
      "error: stopped\n",
    rest: "",
  });
});

Deno.test("interruption() ends the process at the second signal", async () => {
  deepStrictEqual(await interrupt(LOOP(false), 2), {
    status: 130,
    err: "warning: stopping after this step; Ctrl-C again stops at once\n",
    rest: "",
  });
});

Deno.test("interruption() takes what deno task passes on for the same signal", async () => {
  const code = `await runVerb(() => ({ debug: false }), async () => {
    using stop = interruption();
    const pause = (ms) => new Promise((go) => setTimeout(go, ms));
    say("ready");
    while (!stop.requested) await pause(20);
    say("again");
    await pause(200);
    say("left");
  });`;
  deepStrictEqual(await interrupt(code, 2, { pause: 0 }), {
    status: 130,
    err: "warning: stopping after this step; Ctrl-C again stops at once\n",
    rest: "left\n",
  });
});

Deno.test("interruption() leaves signals alone once disposed of", async () => {
  const { status } = await interrupt(
    `{ using stop = interruption(); }
    say("ready");
    await new Promise((go) => setTimeout(go, 4000));`,
    1,
  );
  strictEqual(status, 130); // 128 + SIGINT, by the system
});

const WRITING = (folder: string) =>
  `import { writeFolder } from "${import.meta.resolve("lib/files/atomic.ts")}";
  import { makeFolder } from "${import.meta.resolve("lib/files/temporary.ts")}";
  await runVerb(() => ({ debug: false }), async () => {
    using _ = await makeFolder("${folder}/new/parent");
    await writeFolder("${folder}/new/parent/out", new Map([["a", async (path) => {
      await Deno.writeTextFile(path, "half");
      say("ready");
      await new Promise((go) => setTimeout(go, 10_000));
    }]]));
  }, () => "Stopped; go on");`;

for (
  const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const
) {
  Deno.test(`${signal} ends a verb at once, without the files that it was writing`, async () => {
    using folder = temporaryFolder();
    deepStrictEqual(await interrupt(WRITING(folder.path), 1, { signal }), {
      status,
      err: "Stopped; go on\n",
      rest: "",
    });
    deepStrictEqual([...Deno.readDirSync(folder.path)], []);
  });
}

Deno.test("a reader that stops reading ends the program quietly", async () => {
  const lines = "for (let i = 0; i < 1e5; i++) say(`${i}`);";
  const child = spawn(
    `await runVerb(() => ({ debug: false }), () => { ${lines} });`,
    "runVerb, say",
  );
  await child.stdout.cancel();
  const err = await new Response(child.stderr).text();
  deepStrictEqual([(await child.status).code, err], [141, ""]);
});
