import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

/** Folders whose tests take about as long as all the others together. */
const SLOW = ["experiment", "frontier", "models", "plot", "scripts"];

/**
 * The test files in two lanes of about the same time, for two processes. One
 * lane has all tests of WebGPU, which works in one process at a time.
 */
function allFiles(): string[][] {
  const names = Array.from(Deno.readDirSync("tests"))
    .filter(({ isDirectory, name }) =>
      isDirectory ? name !== "fixtures" : name.endsWith("_test.ts")
    )
    .map(({ name }) => name).sort();
  return [false, true].map((isSlow) =>
    names.filter((name) => SLOW.includes(name) === isSlow)
      .map((name) => join("tests", name))
  );
}

interface Run {
  readonly files: readonly string[];
  readonly code: number;
  /** JUnit's report; empty if the tests did not start. */
  readonly report: string;
}

/**
 * Runs files one after the other in a process: WebGPU crashes in two threads.
 * A process whose output is not shown at once shows it in the end if it fails.
 */
async function run(
  files: readonly string[],
  { filter, report, isShown }: {
    filter: string | undefined;
    report: string;
    isShown: boolean;
  },
): Promise<Run> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--frozen", `--junit-path=${report}`],
      ...(filter === undefined ? [] : [`--filter=${filter}`]),
      ...files,
    ],
    env: driver(Deno.env.toObject()),
    ...isShown && { stdout: "inherit", stderr: "inherit" },
  });
  const { code } = isShown
    ? await command.spawn().status
    : await command.output().then(shownIfFailed);
  return {
    ...{ files, code },
    report: existsSync(report) ? Deno.readTextFileSync(report) : "",
  };
}

function shownIfFailed(
  { code, stdout, stderr }: Deno.CommandOutput,
): { code: number } {
  const decoder = new TextDecoder();
  if (code !== 0) say(decoder.decode(stdout) + decoder.decode(stderr));
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
function failuresOf({ files, code, report }: Run): string[] {
  const failures = Array.from(
    report.matchAll(FAILURE),
    ([, name, file]) => `${file}: ${unescaped(name!)}`,
  );
  // A failure outside of tests, such as a type error, is not in the report.
  const isListed = code === 0 || failures.length > 0;
  return isListed ? failures : [`${files.join(" ")}: see above`];
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
    const lanes = file.length > 0 ? [file] : allFiles();
    const runs = await Promise.all(lanes.map((files, i) =>
      run(files, {
        ...{ filter, report: join(folder.path, `${i}.xml`) },
        isShown: i === 0,
      })
    ));
    const failures = runs.flatMap(failuresOf);
    for (const failure of failures) say(`FAILED ${failure}`);
    say(summary(runs, failures.length));
    Deno.exitCode = runs.find(({ code }) => code !== 0)?.code ?? 0;
  },
);
