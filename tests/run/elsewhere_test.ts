import { deepStrictEqual, match, ok } from "node:assert/strict";
import { kebab } from "lib/cli/flag.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { ELSEWHERE } from "lib/run/elsewhere.ts";
import { TRAIN_FLAGS } from "lib/run/settings.ts";
import { optionsElsewhere } from "../../scripts/train/loss_flags.ts";

const FLAGS = new Set(
  [
    ...["out", "resume", ...Object.keys(TRAIN_FLAGS)],
    ...LOSSES.flatMap(({ options }) => Object.keys(options)),
  ].map((name) => `--${kebab(name)}`),
);

Deno.test("flags of other trainers lead to flags that train has", () => {
  for (const [name, here] of Object.entries(ELSEWHERE)) {
    match(name, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    const named = here.match(/--[a-z-]+/g) ?? [];
    deepStrictEqual(named.filter((flag) => !FLAGS.has(flag)), [], here);
    ok(named.length > 0 || !here.startsWith("-"), here);
  }
});

Deno.test("flags of other trainers are none that train has itself", () => {
  const all = { ...ELSEWHERE, ...optionsElsewhere(LOSSES) };
  const own = Object.keys(all)
    .filter((name) => FLAGS.has(`--${name.replaceAll("_", "-")}`));
  // A loss may call its own option otherwise than another trainer does.
  deepStrictEqual(own, ["beta"]);
});
