import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { join } from "node:path";
import {
  type CheckpointOptions,
  readCheckpoint,
  readTensors,
  writeCheckpoint,
  writeTensors,
} from "lib/train/checkpoints.ts";
import type { Snapshot } from "lib/train/trained_parameters.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const OPTIONS: CheckpointOptions = {
  identity: { seed: 1, options: { beta: 0.1 }, evalData: null },
  computing: { threads: 2, microTokens: 1024 },
  parameters: {
    name: "model",
    write: async (folder, values) => {
      await Deno.mkdir(folder);
      await Deno.writeTextFile(join(folder, "config.json"), "{}");
      await writeTensors(join(folder, "weights.safetensors"), values);
    },
    read: (folder) => readTensors(join(folder, "weights.safetensors")),
  },
};

function snapshot(step: number): Snapshot {
  const values = (x: number) =>
    new Map([["w", Float32Array.of(x, 1e-30)], ["b", Float32Array.of(-x)]]);
  return {
    step,
    tensors: new Map([["parameter", values(step)], ["m", values(0.1)]]),
    carried: { mean: 0.1 + step, count: 3 },
    ...step > 1 && { lossScale: { scale: 2 ** 15, steps: step } },
  };
}

const namesIn = (folder: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Checkpoints of some steps, and the notes of reading them. */
async function withCheckpoints(
  steps: readonly number[],
  use: (folder: string, notes: string[]) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  for (const step of steps) {
    await writeCheckpoint(folder.path, snapshot(step), OPTIONS);
  }
  await use(folder.path, []);
}

const read = (folder: string, notes: string[] = []) =>
  readCheckpoint(folder, {
    ...OPTIONS,
    onNote: (text) => notes.push(text),
  });

Deno.test("readCheckpoint() gives the last of what writeCheckpoint() was given", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "checkpoints");
  for (const step of [9, 10]) {
    await writeCheckpoint(path, snapshot(step), OPTIONS);
    deepStrictEqual(await read(path), snapshot(step));
  }
  await writeCheckpoint(path, snapshot(10), OPTIONS);
  deepStrictEqual(await read(path), snapshot(10));
  deepStrictEqual(namesIn(path), ["step-10", "step-9"]);
});

Deno.test("readCheckpoint() gives null where there is none", async () => {
  using folder = temporaryFolder();
  for (const path of [folder.path, join(folder.path, "none")]) {
    strictEqual(await read(path), null);
  }
});

Deno.test("three checkpoints stay, and whatever else is in the folder", async () => {
  using folder = temporaryFolder();
  const theirs = [
    "best-by-hand",
    "step-3-copy",
    "step-x",
    "notes",
    "step-.tmp",
  ];
  // A crash in the middle of one leaves such a folder.
  for (const name of [...theirs, "step-4.0a.tmp"]) {
    await Deno.mkdir(join(folder.path, name));
  }
  await Deno.writeTextFile(join(folder.path, "notes.txt"), "mine");
  for (const step of [1, 2, 30, 4, 5]) {
    await writeCheckpoint(folder.path, snapshot(step), OPTIONS);
  }
  deepStrictEqual(
    namesIn(folder.path),
    [...theirs, "notes.txt", "step-30", "step-4", "step-5"].sort(),
  );
});

Deno.test("readCheckpoint() names what differs from the run it is of", async () => {
  await withCheckpoints([1], async (folder) => {
    const cases: [object, RegExp][] = [
      [{ seed: 2 }, /step-1: seed was 1, now it is 2$/],
      [{ options: { beta: 1 } }, /options\/beta was 0.1, now it is 1$/],
      [{ evalData: "x" }, /evalData was null, now it is "x"$/],
      [{ more: 1 }, /more was absent, now it is 1$/],
    ];
    for (const [change, message] of cases) {
      const identity = { ...OPTIONS.identity, ...change };
      await rejects(readCheckpoint(folder, { ...OPTIONS, identity }), message);
    }
  });
});

Deno.test("readCheckpoint() goes on where only the way of computing differs, and says so", async () => {
  await withCheckpoints([1], async (folder) => {
    const notes: string[] = [];
    const found = await readCheckpoint(folder, {
      ...OPTIONS,
      computing: { threads: 1, microTokens: 1024 },
      onNote: (text) => notes.push(text),
    });
    deepStrictEqual(found, snapshot(1));
    strictEqual(notes.length, 1);
    match(notes[0]!, /^threads was 2, now it is 1: the last digits may differ/);
  });
});

const FILES = [
  "m.safetensors",
  "model/config.json",
  "model/weights.safetensors",
  "state.json",
];

/** Ways in which a file can be damaged, each given its path. */
const DAMAGES: Record<string, (path: string) => Promise<void>> = {
  missing: (path) => Deno.remove(path),
  empty: (path) => Deno.writeTextFile(path, ""),
  cut: async (path) => {
    const { size } = await Deno.stat(path);
    await Deno.truncate(path, Math.floor(size / 2));
  },
  "of zeros": async (path) => {
    const { size } = await Deno.stat(path);
    await Deno.writeFile(path, new Uint8Array(size));
  },
  "with a bit turned": async (path) => {
    const bytes = await Deno.readFile(path);
    // The last bytes of state.json are no content.
    const at = path.endsWith("state.json")
      ? new TextDecoder().decode(bytes).indexOf("step") + 7
      : bytes.length - 1;
    bytes[at]! ^= 1;
    await Deno.writeFile(path, bytes);
  },
  "of null": (path) => Deno.writeTextFile(path, "null"),
  "a folder": async (path) => {
    await Deno.remove(path);
    await Deno.mkdir(path);
  },
  "of another step": async (path) => {
    const other = path.replace(/step-\d+/, "step-7");
    await Deno.copyFile(other, path);
  },
};

for (const [how, damage] of Object.entries(DAMAGES)) {
  Deno.test(`a checkpoint of which a file is ${how} is refused by name, or an older one taken`, async () => {
    for (const name of FILES) {
      // The configuration does not depend on the step.
      if (how === "of another step" && !/state|weights/.test(name)) continue;
      await withCheckpoints([7, 8], async (folder, notes) => {
        const path = join(folder, "step-8", name);
        await damage(path);
        deepStrictEqual(await read(folder, notes), snapshot(7));
        strictEqual(notes.length, 1);
        ok(notes[0]!.startsWith(`Cannot resume from ${path}: `), notes[0]);
        await Deno.remove(join(folder, "step-7"), {
          recursive: true,
        });
        await rejects(read(folder), ({ message }: Error) => {
          ok(message.startsWith(`Cannot resume from ${path}: `), message);
          ok(!message.includes("\n"));
          return true;
        });
      });
    }
  });
}

Deno.test("files that are no part of a checkpoint do not matter", async () => {
  await withCheckpoints([8], async (folder) => {
    await Deno.writeTextFile(join(folder, "step-8/.DS_Store"), "?");
    deepStrictEqual(await read(folder), snapshot(8));
  });
});
