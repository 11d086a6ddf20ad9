import { match, strictEqual } from "node:assert/strict";
import { crowdingOf } from "../../../scripts/train/ranks.ts";

Deno.test("ranks that share a machine's cores are warned of", () => {
  const cores = { own: 8, all: 8 };
  strictEqual(crowdingOf(4, 2, cores), null);
  match(crowdingOf(4, 3, cores)!, /^12 threads share 8 of 8 cores here: /);
});

Deno.test("a rank that is bound to cores may use all of them, and no more", () => {
  const bound = { own: 2, all: 8 };
  strictEqual(crowdingOf(4, 2, bound), null);
  match(crowdingOf(4, 8, bound)!, /^8 threads share 2 of 8 cores here: /);
});
