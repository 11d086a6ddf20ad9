import { join } from "node:path";
import { writeFolder } from "../files/atomic.ts";
import { namesIn } from "../files/missing.ts";
import {
  readHeader,
  readTensor,
  writeSafetensors,
} from "../models/weights/safetensors.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import { differences } from "../record/differences.ts";
import type { Snapshot } from "./trained_parameters.ts";

/** What must be the same for a run to go on from a checkpoint. */
export type Identity = Readonly<Record<string, Json>>;

const STATE = "state.json";
const NAME = /^step-(\d+)$/;

/**
 * Writes a checkpoint, `step-N` in a folder, and removes the others, which have
 * served, and what a crash left of any.
 */
export async function writeCheckpoint(
  folder: string,
  { step, tensors, carried }: Snapshot,
  identity: Identity,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const states = [...tensors].map(([name, values]) =>
    [`${name}.safetensors`, (path: string) =>
      writeSafetensors(
        path,
        [...values].map(([name, data]) => ({
          name,
          shape: [data.length],
          data,
        })),
      )] as const
  );
  const text = canonicalJson({ step, carried, identity }, { indent: 2 });
  const name = `step-${step}`;
  await writeFolder(
    join(folder, name),
    new Map([
      [STATE, (path) => Deno.writeTextFile(path, `${text}\n`)],
      ...states,
    ]),
  );
  for (const other of await namesIn(folder)) {
    if (other === name) continue;
    await Deno.remove(join(folder, other), { recursive: true });
  }
}

/**
 * Reads the latest checkpoint of a folder.
 *
 * @throws Error if there is none, or it is of another run: the message names
 * the first part of the identity that differs.
 */
export async function readCheckpoint(
  folder: string,
  identity: Identity,
): Promise<Snapshot> {
  const step = (await stepsIn(folder)).at(-1);
  if (step === undefined) {
    throw new Error(`Cannot resume: there is no checkpoint in ${folder}`);
  }
  const path = join(folder, `step-${step}`);
  const state = JSON.parse(await Deno.readTextFile(join(path, STATE)));
  assertSame(identity, state.identity, path);
  const tensors: [string, Map<string, Float32Array<ArrayBuffer>>][] = [];
  for await (const { name } of Deno.readDir(path)) {
    if (name === STATE) continue;
    const values = await readTensors(join(path, name));
    tensors.push([name.replace(/\.safetensors$/, ""), values]);
  }
  return { step, tensors: new Map(tensors), carried: state.carried };
}

/** Steps of the checkpoints in a folder, in order. */
async function stepsIn(folder: string): Promise<number[]> {
  const names = await namesIn(folder);
  return names
    .flatMap((name) => name.match(NAME)?.slice(1).map(Number) ?? [])
    .sort((a, b) => a - b);
}

async function readTensors(
  path: string,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const file = await readHeader(path);
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const name of file.tensors.keys()) {
    values.set(name, await readTensor(file, name));
  }
  return values;
}

function assertSame(now: Identity, then: unknown, path: string): void {
  const [first] = differences(then, now, { ignore: [] });
  if (!first) return;
  const [before, after] = [first.before, first.after].map((x) =>
    JSON.stringify(x) ?? "absent"
  );
  const what = first.path.slice(1);
  throw new Error(
    `Cannot resume from ${path}: ${what} was ${before}, now it is ${after}`,
  );
}
