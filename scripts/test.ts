import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "lib/flags.ts";
import { runVerb, say } from "lib/terminal.ts";
import { text, type Verb } from "lib/verb.ts";

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

await runVerb(
  () => parseFlags(TEST, Deno.args),
  async ({ positionals: { file }, values: { filter } }) => {
    const folder = await Deno.makeTempDir();
    const report = join(folder, "report.xml");
    try {
      // One file after the other: WebGPU in two threads at once crashes.
      const { code } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...["test", "-A", "--frozen", `--junit-path=${report}`],
          ...(filter === undefined ? [] : [`--filter=${filter}`]),
          // Deno takes this very script for a test, by its name.
          ...(file.length > 0 ? file : ["tests"]),
        ],
        env: driver(Deno.env.toObject()),
      }).spawn().status;
      Deno.exitCode = code;
      say(
        summary(code, existsSync(report) ? Deno.readTextFileSync(report) : ""),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/** Environment under which WebGPU runs in software, unless a driver is chosen. */
function driver(env: Readonly<Record<string, string>>): Record<string, string> {
  const chosen = env.VK_ICD_FILENAMES ?? env.VK_DRIVER_FILES;
  if (chosen !== undefined || !existsSync(SOFTWARE_DRIVER)) return {};
  return {
    VK_ICD_FILENAMES: SOFTWARE_DRIVER,
    XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR ?? tmpdir(),
  };
}

/** How many tests passed, failed and were skipped, by JUnit's report. */
function summary(code: number, report: string): string {
  const count = (tag: RegExp) => report.match(tag)?.length ?? 0;
  const failures = count(/<(failure|error)\b/g);
  const skipped = count(/<skipped\b/g);
  const passed = count(/<testcase\b/g) - failures - skipped;
  // What fails outside of tests, such as a type, is not in the report.
  const failed = code === 0 ? failures : Math.max(1, failures);
  const line = `${passed} passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
