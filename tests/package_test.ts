import { ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import config from "../deno.json" with { type: "json" };
import { checkout } from "./places.ts";
import { denoFolder } from "./scripts/tiny_training.ts";
import { temporaryFolder } from "./temporary_folder.ts";

interface Example {
  /** File and line of its first line. */
  readonly location: string;
  readonly code: string;
}

/** TypeScript in the documentation comments of a folder's files. */
function examplesIn(folder: string): Example[] {
  return [...Deno.readDirSync(checkout(folder))].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return examplesIn(path);
    if (!path.endsWith(".ts")) return [];
    const source = Deno.readTextFileSync(checkout(path));
    const blocks = source.matchAll(/^ *\* ```ts\n([^]*?)^ *\* ```$/gm);
    return [...blocks].map(({ index, 1: block }) => ({
      location: `${path}:${source.slice(0, index).split("\n").length + 1}`,
      code: block!.replaceAll(/^ *\* ?/gm, ""),
    }));
  });
}

const EXAMPLES = examplesIn("lib");
const NAME = config.name;

/** The file of an example, named after its place, which errors thus tell. */
function fileOf({ location }: Example): string {
  return `${location.replaceAll(/\W/g, "_")}.ts`;
}

/** A project with the examples, whose imports are these besides. */
async function project(settings: object) {
  const folder = temporaryFolder();
  const write = (name: string, text: string) =>
    Deno.writeTextFile(join(folder.path, name), text);
  await write("deno.json", JSON.stringify(settings));
  await Deno.copyFile(checkout("deno.lock"), join(folder.path, "deno.lock"));
  for (const example of EXAMPLES) await write(fileOf(example), example.code);
  return {
    write,
    /** Runs Deno without network, but for this machine. */
    deno: async (args: readonly string[], env: Record<string, string> = {}) => {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...args],
        cwd: folder.path,
        env: { NO_COLOR: "1", ...env },
      }).output();
      strictEqual(code, 0, new TextDecoder().decode(stderr));
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

Deno.test("every export is documented, with the types that it mentions", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--lint", ...Object.values(config.exports)],
    cwd: checkout(),
    env: { NO_COLOR: "1" },
  }).output();
  strictEqual(code, 0, new TextDecoder().decode(stderr));
});

const outside = await project({
  // As CONTRIBUTING.md has it. A linked package is checked under the options of
  // the project, which has none of its own here.
  links: [checkout()],
  imports: {
    [NAME]: `jsr:${NAME}@${config.version}`,
    "lib/": checkout("lib/"),
  },
});
addEventListener("unload", () => outside[Symbol.dispose]());

Deno.test("examples in documentation have sound types in another project", async () => {
  ok(EXAMPLES.length > 0);
  await outside.deno(["check", "--cached-only"]);
});

Deno.test("examples in documentation run in another project", async () => {
  await outside.write("main.ts", mainOf(EXAMPLES));
  await outside.deno(["run", "-A", "--cached-only", "--no-check", "main.ts"]);
});

/** A module that runs examples one after the other: a process for each is slow. */
function mainOf(examples: readonly Example[]): string {
  return examples.map((example) => `import "./${fileOf(example)}";`).join("\n");
}

Deno.test("examples run where a registry serves the package", async () => {
  await using server = Deno.serve({ port: 0, onListen: () => {} }, serve);
  const address = `http://localhost:${server.addr.port}/`;
  const exported = Object.entries(config.exports).map(([path, file]) => [
    NAME + path.slice(1),
    new URL(file, address).href,
  ]);
  const packages = Object.entries(config.imports).filter(([, target]) =>
    target.startsWith("npm:")
  );
  using served = await project({
    imports: Object.fromEntries([...exported, ...packages]),
  });
  const open = EXAMPLES.filter(({ code }) => !code.includes('"lib/'));
  ok(open.length > 0);
  await served.write("main.ts", mainOf(open));
  // What comes from this address is not to stay in the user's cache.
  using cache = temporaryFolder();
  await Deno.symlink(join(await denoFolder(), "npm"), join(cache.path, "npm"));
  const run = ["run", "-A", "--no-check", "main.ts"];
  await served.deno(run, { DENO_DIR: cache.path });
});

/** A file of the package, with the media type its name tells. */
async function serve({ url }: Request): Promise<Response> {
  const { pathname } = new URL(url);
  const type = pathname.endsWith(".json") ? "json" : "typescript";
  return new Response(await Deno.readTextFile(checkout(`.${pathname}`)), {
    headers: { "content-type": `application/${type}` },
  });
}
