import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { updateOf } from "lib/models/adapter/lora_targets.ts";

const WEIGHT = "model.layers.1.self_attn.q_proj.weight";

Deno.test("an update is scaled by its rank, or by the root of it", () => {
  const lora = { rank: 4, alpha: 8 };
  deepStrictEqual(updateOf(lora, WEIGHT), { rank: 4, scale: 2 });
  deepStrictEqual(updateOf({ ...lora, rslora: true }, WEIGHT), {
    rank: 4,
    scale: 4,
  });
});

Deno.test("the first pattern that ends a module's name has its rank", () => {
  const rankOf = (...patterns: string[]) =>
    updateOf({
      rank: 1,
      alpha: 1,
      rankPattern: Object.fromEntries(patterns.map((name, i) => [name, i + 2])),
    }, WEIGHT).rank;
  strictEqual(rankOf("q_proj"), 2);
  strictEqual(rankOf("proj", "self_attn.q_proj"), 3);
  strictEqual(rankOf("q_proj", "model.layers.1.self_attn.q_proj"), 2);
  strictEqual(rankOf("layers.0.self_attn.q_proj", "v_proj"), 1);
  strictEqual(rankOf("^q_proj"), 1);
  strictEqual(rankOf("^model.layers.1.self_attn.q_proj"), 2);
  strictEqual(rankOf("model\\.layers\\.1\\.self_attn\\.q_proj"), 2);
});
