import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "lib/cli/flags.ts";
import { runVerb, say } from "lib/cli/terminal.ts";
import { text } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";

const TEST = {
  name: "test",
  summary: "Runs the tests; those of WebGPU on a software driver if need be.",
  positionals: [{
    name: "file",
    help: "test files or folders; all tests unless given",
    many: true,
    optional: true,
  }],
  flags: {
    filter: text({
      help: "tests of which the name has this, or matches /this/",
      placeholder: "TEXT",
    }),
  },
  examples: [
    "deno task test",
    "deno task test tests/losses tests/grad_test.ts",
    "deno task test --filter WebGPU",
  ],
} as const satisfies Verb;

/** A Vulkan driver that needs no GPU: Debian's package chromium brings it. */
const SOFTWARE_DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Folders of tests that take about as long as all the others together. */
const SLOW = ["models", "scripts"];

await runVerb(
  () => parseFlags(TEST, Deno.args),
  async ({ positionals: { file }, values: { filter } }) => {
    const folder = await Deno.makeTempDir();
    try {
      const lanes = file.length > 0 ? [file] : allFiles();
      const runs = await Promise.all(lanes.map((files, i) =>
        run(files, {
          ...{ filter, report: join(folder, `${i}.xml`) },
          isFirst: i === 0,
        })
      ));
      for (const { output } of runs) if (output) say(output);
      Deno.exitCode = runs.find(({ code }) => code !== 0)?.code ?? 0;
      say(summary(runs));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/**
 * The test files in two lanes of about the same time, for two processes.
 * WebGPU's are in one of them: it is tested in one process at a time.
 */
function allFiles(): string[][] {
  const entries = [...Deno.readDirSync("tests")].filter((
    { isDirectory, name },
  ) => isDirectory ? name !== "fixtures" : name.endsWith("_test.ts"));
  return [false, true].map((isSlow) =>
    entries.map(({ name }) => name)
      .filter((name) => SLOW.includes(name) === isSlow)
      .map((name) => join("tests", name)).sort()
  );
}

interface Run {
  readonly code: number;
  /** JUnit's report. */
  readonly report: string;
  /** What it has printed, if that is not to be seen yet. */
  readonly output: string;
}

/** One process, whose files run one after the other: WebGPU in two threads at once crashes. */
async function run(
  files: readonly string[],
  { filter, report, isFirst }: {
    filter: string | undefined;
    report: string;
    isFirst: boolean;
  },
): Promise<Run> {
  const stream = isFirst ? "inherit" : "piped";
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--frozen", `--junit-path=${report}`],
      ...(filter === undefined ? [] : [`--filter=${filter}`]),
      ...files,
    ],
    env: driver(Deno.env.toObject()),
    stdout: stream,
    stderr: stream,
  }).spawn();
  const read = async (output: ReadableStream<Uint8Array<ArrayBuffer>>) =>
    await new Response(output).text();
  const output = isFirst
    ? ""
    : (await Promise.all([read(process.stdout), read(process.stderr)])).join(
      "",
    );
  const { code } = await process.status;
  return {
    code,
    report: existsSync(report) ? Deno.readTextFileSync(report) : "",
    output,
  };
}

/** Environment under which WebGPU runs in software, unless a driver is chosen. */
function driver(env: Readonly<Record<string, string>>): Record<string, string> {
  const chosen = env.VK_ICD_FILENAMES ?? env.VK_DRIVER_FILES;
  if (chosen !== undefined || !existsSync(SOFTWARE_DRIVER)) return {};
  return {
    VK_ICD_FILENAMES: SOFTWARE_DRIVER,
    XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR ?? tmpdir(),
  };
}

/** How many tests passed, failed and were skipped, by JUnit's reports. */
function summary(runs: readonly Run[]): string {
  const count = (tag: RegExp) =>
    runs.reduce((sum, { report }) => sum + (report.match(tag)?.length ?? 0), 0);
  const failures = count(/<(failure|error)\b/g);
  const skipped = count(/<skipped\b/g);
  const passed = count(/<testcase\b/g) - failures - skipped;
  // What fails outside of tests, such as a type, is not in the report.
  const isGood = runs.every(({ code }) => code === 0);
  const failed = isGood ? failures : Math.max(1, failures);
  const line = `${passed} passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
