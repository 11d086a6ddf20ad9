import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { readConfig } from "lib/models/read_config.ts";
import { ggufFolder } from "lib/models/gguf/gguf_folder.ts";
import { openWeights, type Weights } from "lib/models/weights/weights.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { openPolicy } from "lib/run/models.ts";
import { assertClose } from "../assert_close.ts";
import { shared } from "../places.ts";
import { smolLm2Gguf, smolLm2Test } from "../smollm2.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const TEXT =
  "The Eiffel Tower is a wrought-iron lattice tower on the Champ de Mars " +
  "in Paris, France. It is named after the engineer Gustave Eiffel, " +
  "whose company designed and built the tower from 1887 to 1889.";

const DATA = shared("data/llamafactory");
const hasData = await Deno.stat(DATA).then(() => true, () => false);

/** Converts SmolLM2's GGUF file for a while. */
async function withConverted(
  folder: string,
  use: (converted: string) => Promise<void>,
): Promise<void> {
  using cache = temporaryFolder();
  const path = smolLm2Gguf(folder);
  ok(path, `no GGUF file in ${folder}`);
  await use(await ggufFolder(path, { sha256: "smollm2", cache: cache.path }));
}

smolLm2Test(
  "SmolLM2 from its GGUF file has the golden numbers",
  (folder) =>
    withConverted(folder, async (converted) => {
      const ids = (await loadTokenizer(converted))!.encode(TEXT);
      strictEqual(ids.length, 52);
      const weights = [await openWeights(folder), await openWeights(converted)];
      await assertEqual(weights[0]!, weights[1]!);
      deepStrictEqual(await readConfig(converted), await readConfig(folder));

      const { policy } = await openPolicy(converted);
      const forward = new ForwardPass({ policy });
      const [[sum] = [], next = []] = await forward.logProbs([
        { prompt: ids.slice(0, 1), completions: [ids.slice(1)] },
        { prompt: ids, completions: [378, 657, 198, 2, 414].map((id) => [id]) },
      ], { parameters: {} });
      await forward.release();
      // From transformers, in float32.
      assertClose([sum!], [-93.5167], { tolerance: 1e-5, what: "log π" });
      const [first, ...rest] = [15.678, 14.815, 14.687, 13.868, 13.556];
      assertClose(
        next.slice(1).map((logProb) => next[0]! - logProb),
        rest.map((logit) => first! - logit),
        { tolerance: 2e-3, what: "distances of the best tokens' logits" },
      );
    }),
);

smolLm2Test(
  "SmolLM2's GGUF file has its tokenizer",
  (folder) =>
    withConverted(folder, async (converted) => {
      const found = (await loadTokenizer(converted))!;
      const expected = (await loadTokenizer(folder))!;
      deepStrictEqual(
        found.encode(
          "Hello world! It's 2025, naïve café — 日本語 🙂\n\n  x = 1",
        ),
        "19556 905 17 657 506 216 34 32 34 37 28 15486 46494 37366 1841 17097 241 115 40993 179 120 248 47526 8866 1792 446 216 33"
          .split(" ").map(Number),
      );
      deepStrictEqual(
        found.encode("<|im_start|>user\nHi<|im_end|>\n"),
        [1, 4093, 198, 26843, 2, 198],
      );
      for (
        const key of ["bosId", "eosId", "padId", "vocabularySize"] as const
      ) {
        strictEqual(found[key], expected[key]);
      }
      deepStrictEqual(rendered(found), rendered(expected));
      for (const text of texts()) {
        deepStrictEqual(found.encode(text), expected.encode(text));
      }
    }),
);

function rendered({ chatTemplate }: Tokenizer): string {
  const messages = [{ role: "user", content: "Hi" }];
  return chatTemplate!.render(messages, { addGenerationPrompt: true });
}

/** Every text of the data that lies beside the checkout, if any. */
function texts(): Set<string> {
  const found = new Set<string>();
  for (const { name } of hasData ? Deno.readDirSync(DATA) : []) {
    if (!/_demo\.json$/.test(name)) continue;
    JSON.parse(Deno.readTextFileSync(`${DATA}/${name}`), (_, value) => {
      if (typeof value === "string") found.add(value);
      return value;
    });
  }
  return found;
}

async function assertEqual(a: Weights, b: Weights): Promise<void> {
  deepStrictEqual(a.names().toSorted(), b.names().toSorted());
  for (const name of a.names()) {
    const [x, y] = [await a.read(name), await b.read(name)];
    strictEqual(
      Buffer.compare(new Uint8Array(x.buffer), new Uint8Array(y.buffer)),
      0,
      name,
    );
  }
}
