import { deepEqual, equal, notEqual } from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { differenceOf, identityOf } from "lib/experiment/identity.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { TOY_SETTINGS } from "./toy_experiment.ts";

/** A project of modules, and the identity of the jobs in it. */
function project() {
  const folder = temporaryFolder();
  const write = (name: string, text: string) =>
    Deno.writeTextFileSync(join(folder.path, name), text);
  write("deno.json", "{}");
  write("jobs.ts", 'import "./code.ts"; import type { T } from "./types.ts";');
  write("code.ts", "export const x = 1;");
  write("types.ts", 'import "./figure.ts"; export type T = 1;');
  write("figure.ts", "export {};");
  const url = pathToFileURL(join(folder.path, "jobs.ts")).href;
  const identity = (settings = TOY_SETTINGS) =>
    identityOf({ experiment: "toy", settings, device: "cpu", url });
  return {
    ...{ write, identity },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

Deno.test("code that jobs import belongs to the identity, types do not", async () => {
  using modules = project();
  const before = await modules.identity();
  modules.write("types.ts", "export type T = 2;");
  modules.write("figure.ts", "export const y = 2;");
  deepEqual(await modules.identity(), before);
  modules.write("code.ts", "export const x = 2;");
  const after = await modules.identity();
  notEqual(after["code"], before["code"]);
  equal(differenceOf(before, after), "the code has changed");
});

Deno.test("the grid does not belong to the identity, other settings do", async () => {
  using modules = project();
  const before = await modules.identity();
  const grid = { methods: [], draws: [9], seeds: [8], levels: [{ flip: 0.1 }] };
  deepEqual(await modules.identity({ ...TOY_SETTINGS, ...grid }), before);
  deepEqual(before["settings"], { origin: 10 });
  const other = await modules.identity({ ...TOY_SETTINGS, origin: 11 });
  equal(differenceOf(before, other), "settings/origin was 10, now it is 11");
});
