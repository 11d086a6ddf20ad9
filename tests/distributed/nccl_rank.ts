import { type Group, GroupError } from "lib/distributed/group.ts";
import { MpiGroup } from "lib/distributed/mpi.ts";
import { findLoss } from "lib/losses/registry.ts";
import { OrtValue } from "lib/onnx/ffi/ort_value.ts";
import { withDeviceSums } from "lib/run/device_sums.ts";
import { randomExamples } from "../random_examples.ts";
import {
  parametersOf,
  stepOptions,
  withTrainer,
} from "../train/random_trainer.ts";

// One rank of nccl_test.ts: tells what comes of NCCL, of which `double` is one.
const [double, calls, out] = Deno.args;
const host = MpiGroup.join();

/** Three steps by the sums of a group; memory of the CPU plays that of a GPU. */
function trained(group: Group) {
  const loss = findLoss("dpo");
  const examples = randomExamples(loss, 7);
  return withTrainer({ loss, group, microTokens: 80 }, async (trainer) => {
    for (let step = 0; step < 3; step++) {
      await trainer.train(examples, stepOptions(loss));
    }
    return await parametersOf(trainer);
  });
}

/** Does a part, with a library; its calls go to a file of this name. */
async function scene<T>(
  name: string,
  nccl: string,
  part: (group: Group) => Promise<T>,
) {
  Deno.env.set("NCCL_DOUBLE", name);
  Deno.env.set("NCCL_DOUBLE_CALLS", `${calls}.${name}`);
  const notes: string[] = [];
  const onNote = (text: string) => notes.push(text);
  const places = { nccl, runtime: double! };
  try {
    const options = { device: "cuda", places, onNote } as const;
    const result = await withDeviceSums(host, options, part);
    return { notes, result };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { isOfGroup: error instanceof GroupError, error: error.message };
  }
}

const facts = {
  byMpi: await trained(host),
  sums: await scene("sums", double!, trained),
  absent: await scene(
    "absent",
    host.rank === 0 ? double! : "/nowhere/libnccl.so.2",
    (group) => Promise.resolve(group === host),
  ),
  init: await scene("init", double!, trained),
  network: await scene("network", double!, trained),
  parts: await scene("parts", double!, async (group) => {
    const parts = [2, 5000].map((length) => new Float32Array(length).fill(0.5));
    const memory = parts.map((data) => {
      using value = OrtValue.over({ data, shape: [data.length] });
      return value.memory;
    });
    await group.allReduceOnDevice!(memory);
    return parts.map((part) => part.every((x) => x === 1));
  }),
  failing: await scene("failing", double!, async (group) => {
    if (group.rank === 1) {
      const error = new Error("The device failed");
      await host.fail(error.message);
      throw error;
    }
    await trained(group);
  }),
};
// All come here after a failure, whatever else they do.
if (host.rank === 0) await host.fail("rank 1 has failed");
await Deno.writeTextFile(
  out!,
  JSON.stringify(
    facts,
    (_, value) =>
      value instanceof Map
        ? [...value]
        : value instanceof Float32Array
        ? [...value]
        : value,
  ),
);
await host.end();
