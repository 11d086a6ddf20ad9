import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import config from "../deno.json" with { type: "json" };
import { checkout } from "./places.ts";

const read = (path: string) => Deno.readTextFileSync(checkout(path));

/** The instructions of the Dockerfile, without comments, in order. */
const INSTRUCTIONS = read("Dockerfile")
  .replace(/\\\n/g, "")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => {
    const [, name, rest] = line.match(/^([A-Z]+) (.*)$/)!;
    return { name: name!, rest: rest! };
  });

const having = (wanted: string) =>
  INSTRUCTIONS.filter(({ name }) => name === wanted).map(({ rest }) => rest);

/** The paths that go from the checkout into the image. */
const COPIED = having("COPY").flatMap((rest) =>
  rest.split(" ").filter((word) => !word.startsWith("--")).slice(0, -1)
);

Deno.test("the image has the Deno that CI runs and README names", () => {
  const [from] = having("FROM");
  const [, version] = from!.match(/^denoland\/deno:(\d+\.\d+\.\d+)$/)!;
  for (const path of [".ci/run", "README.md", "README.zh.md"]) {
    const found = [...read(path).matchAll(/deno@(\d[\d.]*)/g)];
    ok(found.length > 0, path);
    deepStrictEqual([...new Set(found.map(([, other]) => other))], [version]);
  }
});

Deno.test("the image has all that the tasks of deno.json run", () => {
  deepStrictEqual(COPIED.filter((path) => !existsSync(checkout(path))), []);
  ok(COPIED.includes("deno.json") && COPIED.includes("deno.lock"));
  const scripts = Object.values(config.tasks).flatMap(({ command }) =>
    command.match(/[\w/]+\.ts/g) ?? []
  );
  ok(scripts.length > 10);
  const missing = scripts.filter((path) =>
    !COPIED.includes(path.split("/")[0]!) || !existsSync(checkout(path))
  );
  deepStrictEqual(missing, []);
});

Deno.test("the image has every folder that its code imports from", () => {
  const folders = Object.values(config.imports).flatMap((to) =>
    to.match(/^\.\/(\w+)\/$/)?.[1] ?? []
  );
  deepStrictEqual(folders.filter((each) => !COPIED.includes(each)), []);
});

Deno.test("packages are those of deno.lock, and nothing runs as root", () => {
  const commands = having("RUN").filter((rest) => rest.startsWith("deno "));
  ok(commands.length > 0 && commands.every((c) => c.includes("--frozen")));
  deepStrictEqual(having("USER"), ["deno"]);
  const names = INSTRUCTIONS.map(({ name }) => name);
  ok(names.indexOf("USER") < names.indexOf("COPY"));
  strictEqual(
    having("COPY").every((rest) => rest.startsWith("--chown=deno:deno ")),
    true,
  );
  match(having("ENTRYPOINT").at(-1)!, /"deno", "task"\]$/);
});
