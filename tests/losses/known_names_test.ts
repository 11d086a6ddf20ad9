import { ok, strictEqual } from "node:assert/strict";
import { kebab } from "lib/cli/flag.ts";
import { chooseLoss } from "lib/loss_tools/choose.ts";
import { KNOWN_NAMES } from "lib/losses/known_names.ts";
import { LOSSES } from "lib/losses/registry.ts";

for (const { name, title, means, source } of KNOWN_NAMES) {
  Deno.test(`${name} is a loss or a sum of losses, with options that it has`, async () => {
    ok(title && source.includes("https://"));
    ok(LOSSES.every(({ id }) => id !== name), "it is a loss of its own");
    const [text, ...flags] = means.split(" ");
    const { loss } = await chooseLoss(text!);
    const known = Object.keys(loss.options).map((option) =>
      `--${kebab(option)}`
    );
    for (const [i, flag] of flags.entries()) {
      if (i % 2 === 0) ok(known.includes(flag), flag);
    }
    strictEqual(flags.length % 2, 0);
  });
}
