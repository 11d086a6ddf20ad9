import { join } from "node:path";
import { ncclPlaces } from "../../onnx/ffi/cuda.ts";
import { temporaryFolder } from "../../files/temporary.ts";
import { reasonOf } from "../../files/values.ts";
import { measured } from "../jobs.ts";
import type { Sections } from "../record.ts";
import type { BenchSettings } from "../settings.ts";
import { PROFILES } from "../shared_prompts.ts";
import { lineOf } from "../workloads.ts";
import type { DeviceJob } from "./device_run.ts";
import {
  MODEL_SHAPES,
  type ModelShape,
  writeRandomModel,
} from "./model_shapes.ts";
import { profiledRows, profileSteps } from "./profile_rows.ts";

/** Steps that are compared. */
const STEPS = 4;

/**
 * Trains a decoder of random weights by the same steps on the CPU in float32, and
 * then on the device in each precision. With a card one rank sums by NCCL, too.
 */
export async function measureParity(
  { device, quick, threads }: BenchSettings,
): Promise<Sections["parity"]> {
  const model: ModelShape = quick ? "tiny" : "SmolLM2-135M";
  const work = {
    profiles: profileSteps(PROFILES.slice(1, 2), quick ? 0.1 : 1),
    ...{ batch: quick ? 2 : 4, steps: STEPS - 1, microTokens: 1024 },
  };
  using folder = await temporaryFolder();
  const [place, cache] = ["model", "cache"].map((name) =>
    join(folder.path, name)
  );
  await Deno.mkdir(place!);
  await writeRandomModel(place!, model);
  const rows = join(folder.path, "rows.jsonl");
  const pairs = profiledRows(work, MODEL_SHAPES[model].vocab_size);
  await Deno.writeTextFile(rows, pairs.map(lineOf).join(""));
  const job = {
    ...work,
    model: place!,
    rows,
    threads,
    tuning: "lora",
  } as const;
  const follow = async (on: Pick<DeviceJob, "device" | "precision">) => ({
    ...on,
    ...await measured("trajectory", {
      ...{ ...job, ...on, cache: `${cache}-${on.device}-${on.precision}` },
    }),
  });
  const runs = [await follow({ device: "cpu", precision: "float32" })];
  for (const precision of await measured("precisions", device)) {
    if (device === "cpu" && precision === "float32") continue;
    runs.push(await follow({ device, precision }));
  }
  return { model, runs, ...device === "cuda" && { nccl: await ncclHere() } };
}

/** A failure of NCCL costs no other measurement. */
async function ncclHere(): Promise<Sections["parity"]["nccl"]> {
  const places = ncclPlaces();
  return await measured("nccl", { device: "cuda", places })
    .catch((error) => ({ failure: reasonOf(error) }));
}
