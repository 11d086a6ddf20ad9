import { strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { assertClose } from "../assert_close.ts";
import { shared } from "../places.ts";
import { metricsOf, tinyTraining } from "./tiny_training.ts";

const MODEL = shared("models/stories260K");
const FOLDER = shared("golden/trajectories");

/** What TRL was told, and what it logged. */
interface Trajectory {
  readonly config: {
    readonly batch: number;
    readonly accumulation: number;
    readonly epochs: number;
    readonly learningRate: number;
    readonly beta: number;
  };
  readonly steps: readonly {
    readonly loss: number;
    readonly "grad_norm": number;
  }[];
}

const ORPO = ["--nll-over", "all", "--nll-reduction", "token"];
const ADAPTER = join(FOLDER, "dpo-lora-initial-adapter");

const KTO = ["--kl-pairing", "previous", "--undesirable-weight", "1.2"];
/** The flags of each trajectory that its settings do not tell. */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  "dpo-full-accumulated": ["--loss", "dpo", "--full", "--micro-tokens", "200"],
  "dpo-lora": ["--loss", "dpo", "--init-adapter", ADAPTER],
  "kto-weighted": ["--loss", "kto", "--full", ...KTO],
  "orpo-full": ["--loss", "orpo", "--full", ...ORPO],
};

for (const [name, flags] of Object.entries(RUNS)) {
  Deno.test({
    name: `train follows TRL, ${name} (needs ../shared)`,
    ignore: !existsSync(FOLDER) || !existsSync(MODEL),
    fn: async () => {
      await using t = await tinyTraining();
      const { config, steps }: Trajectory = JSON.parse(
        await Deno.readTextFile(join(FOLDER, `${name}.json`)),
      );
      const { beta, batch, accumulation, epochs, learningRate } = config;
      const strength = name.startsWith("orpo") ? "--lambda" : "--beta";
      const { code, err } = await t.run("train", [
        ...["--model", MODEL, "--data", join(FOLDER, `${name}.rows.jsonl`)],
        ...["--out", "out", "--order", "sequential", "--schedule", "constant"],
        ...["--lr", `${learningRate}`, "--epochs", `${epochs}`],
        ...["--batch", `${batch * accumulation}`, strength, `${beta}`],
        ...flags,
      ]);
      strictEqual(code, 0, err);
      const metrics = metricsOf(join(t.path, "out"));
      strictEqual(metrics.length, steps.length);
      for (const [i, { loss, "grad_norm": norm }] of steps.entries()) {
        const near = (figure: string, expected: number, tolerance: number) =>
          assertClose([metrics[i]![figure]!], [expected], {
            tolerance: i < 3 ? 5e-5 : tolerance,
            what: `${figure} of step ${i + 1}`,
          });
        near("loss", loss, 5e-4);
        near("gradNorm", norm, 1e-3);
      }
    },
  });
}
