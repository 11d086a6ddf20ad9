import { rejects, strictEqual } from "node:assert/strict";
import { inverseFrequencies } from "lib/models/decoder/rotary.ts";
import { assertClose } from "../../assert_close.ts";
import { fixture } from "../../places.ts";
import { configOf } from "../config_of.ts";
import { TINY } from "../tiny_model.ts";

const YARN = {
  "rope_type": "yarn",
  "rope_theta": 10_000,
  "factor": 4,
  "original_max_position_embeddings": 64,
};

/*
What transformers 5.23 computes, in Python:

size = dict(vocab_size=11, hidden_size=16, intermediate_size=6,
            num_hidden_layers=1, num_attention_heads=1)
for changes in [{}, {"truncate": False}, …]:
    config = AutoConfig.for_model(
        "llama", **size, rope_parameters={**yarn, **changes})
    frequencies, amplitude = ROPE_INIT_FUNCTIONS["yarn"](config, "cpu")
    print([float(f"{x:.7g}") for x in frequencies.tolist()][1:3])
    print(round(amplitude, 9))

The other frequencies are 1 and, from the fourth on, those without scaling
divided by the factor.
*/
const FOUND = [
  [{}, [0.2371708, 0.05], 1.138629436],
  [{ "truncate": false }, [0.1985835, 0.02559525], 1.138629436],
  [{ "mscale": 0.8, "mscale_all_dim": 0.5 }, [0.2371708, 0.05], 1.038892975],
  [{ "mscale": 0.8 }, [0.2371708, 0.05], 1.138629436],
  [{ "attention_factor": 1.25 }, [0.2371708, 0.05], 1.25],
  [{ "beta_fast": 4, "beta_slow": 2 }, [0.1976424, 0.025], 1.138629436],
  // The ramp between the two has no length.
  [
    { "beta_fast": 2, "beta_slow": 2, "truncate": false },
    [0.3162278, 0.025],
    1.138629436,
  ],
  [{ "factor": 0.5 }, [0.421637, 0.1666667], 1],
] as const;

for (const [changes, middle, amplitude] of FOUND) {
  Deno.test(`YaRN with ${JSON.stringify(changes)} is what transformers computes`, async () => {
    const { rope } = await configOf({
      ...TINY,
      "head_dim": 16,
      "rope_parameters": { ...YARN, ...changes },
    });
    const scaling = rope!.scaling!;
    strictEqual(scaling.kind, "pairs");
    const { factor } = { ...YARN, ...changes };
    const slow = Array.from(
      { length: 5 },
      (_, i) => 10_000 ** (-(i + 3) / 8) / factor,
    );
    assertClose(
      [...inverseFrequencies({ headDim: 16, rope: rope! })],
      [1, ...middle, ...slow],
      { tolerance: 1e-6 },
    );
    assertClose([scaling.amplitude], [amplitude], { tolerance: 1e-8 });
  });
}

/** A line of fixtures/rope.py, which documents it. */
interface Spelling {
  readonly config: Readonly<Record<string, unknown>>;
  readonly frequencies?: readonly number[];
  readonly amplitude?: number;
}

const SPELLINGS: readonly Spelling[] = Deno.readTextFileSync(
  fixture("rope.jsonl"),
).trim().split("\n").map((line) => JSON.parse(line));

for (const { config, frequencies, amplitude } of SPELLINGS) {
  const { rope_theta: _, ...tiny } = TINY;
  const read = () =>
    configOf({
      ...tiny,
      "head_dim": 16,
      "max_position_embeddings": 128,
      ...config,
    });
  Deno.test(`rotations of ${JSON.stringify(config)} are transformers'`, async () => {
    if (!frequencies) {
      await rejects(read(), /field "rope_scaling.factor" is missing/);
      return;
    }
    const { rope } = await read();
    assertClose(
      [...inverseFrequencies({ headDim: 16, rope: rope! })],
      frequencies,
      { tolerance: 1e-6 },
    );
    const { scaling } = rope!;
    const grown = scaling?.kind === "pairs" ? scaling.amplitude : 1;
    assertClose([grown], [amplitude!], { tolerance: 1e-7 });
  });
}
