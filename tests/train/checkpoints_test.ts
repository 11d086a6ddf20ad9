import { deepStrictEqual, rejects } from "node:assert/strict";
import { join } from "node:path";
import { readCheckpoint, writeCheckpoint } from "lib/train/checkpoints.ts";
import type { Snapshot } from "lib/train/trained_parameters.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const IDENTITY = { seed: 1, options: { beta: 0.1 }, evalData: null };

function snapshot(step: number): Snapshot {
  const values = (x: number) =>
    new Map([["w", Float32Array.of(x, 1e-30)], ["b", Float32Array.of(-x)]]);
  return {
    step,
    tensors: new Map([["parameter", values(step)], ["m", values(0.1)]]),
    carried: { mean: 0.1 + step, count: 3 },
  };
}

Deno.test("readCheckpoint() gives the last of what writeCheckpoint() was given", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "checkpoints");
  // What a crash left of one.
  await Deno.mkdir(join(path, "step-12.tmp"), { recursive: true });
  for (const step of [9, 10]) {
    await writeCheckpoint(path, snapshot(step), IDENTITY);
    deepStrictEqual(await readCheckpoint(path, IDENTITY), snapshot(step));
    const names = [...Deno.readDirSync(path)].map(({ name }) => name);
    deepStrictEqual(names, [`step-${step}`]);
  }
  await writeCheckpoint(path, snapshot(10), IDENTITY);
  deepStrictEqual(await readCheckpoint(path, IDENTITY), snapshot(10));
});

Deno.test("readCheckpoint() names what differs from the run it is of", async () => {
  using folder = temporaryFolder();
  await writeCheckpoint(folder.path, snapshot(1), IDENTITY);
  const cases: [object, RegExp][] = [
    [{ seed: 2 }, /step-1: seed was 1, now it is 2$/],
    [{ options: { beta: 1 } }, /options\/beta was 0.1, now it is 1$/],
    [{ evalData: "x" }, /evalData was null, now it is "x"$/],
    [{ more: 1 }, /more was absent, now it is 1$/],
  ];
  for (const [change, message] of cases) {
    await rejects(
      readCheckpoint(folder.path, { ...IDENTITY, ...change }),
      message,
    );
  }
});

Deno.test("readCheckpoint() says where there is none", async () => {
  using folder = temporaryFolder();
  for (const path of [folder.path, join(folder.path, "none")]) {
    await rejects(readCheckpoint(path, IDENTITY), {
      message: `Cannot resume: there is no checkpoint in ${path}`,
    });
  }
});
