import { existsSync, globSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseFlags } from "lib/cli/flags.ts";
import { runVerb, say } from "lib/cli/terminal.ts";
import { temporaryFolder } from "lib/files/temporary.ts";
import { text } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";

const TEST = {
  name: "test",
  summary:
    "Runs the tests; those of WebGPU use a software driver if there is no GPU.",
  positionals: [{
    name: "file",
    help: "test files or folders; if absent, all tests",
    many: true,
    optional: true,
  }],
  flags: {
    filter: text({
      help: "tests whose name contains this text, or matches /this/",
      placeholder: "TEXT",
    }),
  },
  examples: [
    "deno task test",
    "deno task test tests/losses tests/grad_test.ts",
    "deno task test --filter WebGPU",
  ],
} as const satisfies Verb;

/** A Vulkan driver that needs no GPU, from Debian's package chromium. */
const SOFTWARE_DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";

/**
 * Parts of `tests` that run beside all others, each list in a process of its
 * own. Verbs and experiments often wait for processes that they start, so that
 * three keep two cores busy.
 */
const BESIDE = [
  [
    ...["comparison", "data", "loss_tools", "models", "package", "plot"],
    "run",
  ],
  ["experiment", "frontier", "hub", "losses", "reviews", "scripts"],
];

/**
 * Modules with the tests of each part, in lanes of about the same work, one for
 * each process. The first has the long tests of WebGPU.
 */
function lanesOfAll(folder: string): string[][] {
  const parts = Map.groupBy(
    globSync("tests/**/*_test.ts").sort(),
    (file) => file.split(/[/\\]/)[1]!.replace(/_test\.ts$/, ""),
  );
  const besides = BESIDE.flat();
  const rest = [...parts.keys()].filter((name) => !besides.includes(name));
  return [rest, ...BESIDE].map((lane) =>
    lane.map((name) => together(parts.get(name)!, join(folder, `${name}.ts`)))
  );
}

/**
 * Writes a module that has the tests of some files. For each module that it is
 * given Deno loads anew all that tests import, which takes longer than most of
 * them do.
 */
function together(files: readonly string[], path: string): string {
  const imports = files.map((file) =>
    `import "${pathToFileURL(resolve(file))}";`
  );
  Deno.writeTextFileSync(path, imports.join("\n"));
  return path;
}

interface Run {
  /** What ran, for the reader. */
  readonly name: string;
  readonly code: number;
  /** JUnit's report; empty if no test started. */
  readonly report: string;
}

/** Checks types, once for all lanes; without files, everywhere. */
async function check(files: readonly string[]): Promise<Run> {
  const args = ["check", "--quiet", "--frozen", ...files];
  const { code } = await new Deno.Command(Deno.execPath(), {
    args,
    ...{ stdout: "inherit", stderr: "inherit" },
  }).spawn().status;
  return { name: files.join(" ") || "types", code, report: "" };
}

/**
 * Runs files one after the other in a process: WebGPU crashes in two threads.
 * A process whose output is not shown at once shows it in the end if it fails.
 */
async function run(
  files: readonly string[],
  { filter, report, isShown, signal }: {
    filter: string | undefined;
    report: string;
    isShown: boolean;
    signal: AbortSignal;
  },
): Promise<Run> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--no-check", "--frozen", `--junit-path=${report}`],
      ...(filter === undefined ? [] : [`--filter=${filter}`]),
      ...files,
    ],
    env: driver(Deno.env.toObject()),
    signal,
    ...isShown && { stdout: "inherit", stderr: "inherit" },
  });
  const { code } = isShown
    ? await command.spawn().status
    : await command.output().then((output) => shownIfFailed(output, signal));
  return {
    ...{ name: files.join(" "), code },
    report: existsSync(report) ? Deno.readTextFileSync(report) : "",
  };
}

function shownIfFailed(
  { code, stdout, stderr }: Deno.CommandOutput,
  { aborted }: AbortSignal,
): { code: number } {
  const decoder = new TextDecoder();
  if (code !== 0 && !aborted) {
    say(decoder.decode(stdout) + decoder.decode(stderr));
  }
  return { code };
}

/** Environment in which WebGPU runs in software, unless a driver is chosen. */
function driver(env: Readonly<Record<string, string>>): Record<string, string> {
  const chosen = env.VK_ICD_FILENAMES ?? env.VK_DRIVER_FILES;
  if (chosen !== undefined || !existsSync(SOFTWARE_DRIVER)) return {};
  return {
    VK_ICD_FILENAMES: SOFTWARE_DRIVER,
    XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR ?? tmpdir(),
  };
}

const FAILURE =
  /<testcase name="([^"]*)" classname="([^"]*)"[^>]*>\s*<(?:failure|error)\b/g;

/** The tests that failed, as the report names them, with their files. */
function failuresOf({ name, code, report }: Run): string[] {
  const failures = Array.from(
    report.matchAll(FAILURE),
    ([, test, file]) => `${file}: ${unescaped(test!)}`,
  );
  // A failure outside of tests, such as a type error, is not in the report.
  const isListed = code === 0 || failures.length > 0;
  return isListed ? failures : [`${name}: see above`];
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

function unescaped(xml: string): string {
  return xml.replace(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity);
}

/** The number of tests that passed, failed and were skipped. */
function summary(runs: readonly Run[], failed: number): string {
  const count = (tag: RegExp) =>
    runs.reduce((sum, { report }) => sum + (report.match(tag)?.length ?? 0), 0);
  const skipped = count(/<skipped\b/g);
  const unsuccessful = skipped + count(FAILURE);
  const line = `${
    count(/<testcase\b/g) - unsuccessful
  } passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}

await runVerb(
  () => parseFlags(TEST, Deno.args),
  async ({ positionals: { file }, values: { filter } }) => {
    using folder = await temporaryFolder();
    const ending = new AbortController();
    const lanes = file.length > 0 ? [file] : lanesOfAll(folder.path);
    const running = lanes.map((files, i) =>
      run(files, {
        ...{ filter, report: join(folder.path, `${i}.xml`) },
        ...{ isShown: i === 0, signal: ending.signal },
      })
    );
    // Beside the tests, as it keeps one processor busy for long.
    const types = await check(file);
    if (types.code !== 0) ending.abort();
    const ran = await Promise.all(running);
    const runs = types.code !== 0 ? [types] : ran;
    const failures = runs.flatMap(failuresOf);
    for (const failure of failures) say(`FAILED ${failure}`);
    say(summary(runs, failures.length));
    Deno.exitCode = runs.find(({ code }) => code !== 0)?.code ?? 0;
  },
);
