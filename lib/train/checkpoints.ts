import { join, relative } from "node:path";
import { writeAtomically, type Writer } from "../files/atomic.ts";
import { namesIn } from "../files/missing.ts";
import { reasonOf } from "../files/values.ts";
import { readHeader, readTensor } from "../models/weights/safetensors.ts";
import { writeSafetensors } from "../models/weights/write_safetensors.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import { differences } from "../record/differences.ts";
import { sha256File } from "../record/sha256.ts";
import type { Snapshot } from "./trained_parameters.ts";

/** Everything that decides a run's numbers: a checkpoint goes on with the same. */
export type Identity = Readonly<Record<string, Json>>;

/** How the parameters of a checkpoint are stored, so that other programs read them. */
export interface ParameterStore {
  /** Folder in the checkpoint, such as `adapter`. */
  readonly name: string;
  write(folder: string, values: Values): Promise<void>;
  /** The same values, bit for bit. */
  read(folder: string): Promise<Values>;
}

type Values = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

/** A run as its checkpoints know it. */
export interface CheckpointOptions {
  readonly identity: Identity;
  /**
   * How the run computes. A run may go on with another, which may move the last
   * digits.
   */
  readonly computing: Identity;
  readonly parameters: ParameterStore;
}

/** Name under which snapshots have the trained parameters. */
const PARAMETER = "parameter";
const STATE = "state.json";
const NAME = /^step-(\d+)$/;
/** An older checkpoint, or what a crash left of one. */
const OURS = /^step-\d+(\.[^/]*\.tmp)?$/;

/** Number of checkpoints that are kept. */
const KEPT = 3;

/** A file of a checkpoint, which it is checked against. */
interface StoredFile {
  readonly bytes: number;
  readonly sha256: string;
}

/** The content of `state.json`. */
interface State {
  readonly step: number;
  readonly carried: Snapshot["carried"];
  readonly lossScale?: Snapshot["lossScale"];
  readonly identity: Identity;
  readonly computing: Identity;
  readonly files: Readonly<Record<string, StoredFile>>;
}

/**
 * Writes a checkpoint, `step-N` in a folder, all at once, and removes its
 * oldest ones. Other files in the folder are left alone.
 */
export async function writeCheckpoint(
  folder: string,
  { step, tensors, ...others }: Snapshot,
  { identity, computing, parameters }: CheckpointOptions,
): Promise<void> {
  const path = join(folder, `step-${step}`);
  await Deno.mkdir(folder, { recursive: true });
  const writers = [...tensors].map(([name, values]): [string, Writer] =>
    name === PARAMETER
      ? [parameters.name, (path) => parameters.write(path, values)]
      : [`${name}.safetensors`, (path) => writeTensors(path, values)]
  );
  // A checkpoint of the same step is of the same run and this computation.
  await Deno.remove(path, { recursive: true }).catch(() => {});
  await writeAtomically(path, async (temporary) => {
    await Deno.mkdir(temporary);
    for (const [name, write] of writers) await write(join(temporary, name));
    const files = await storedFiles(temporary);
    const state: State = { step, ...others, identity, computing, files };
    const text = canonicalJson(state, { indent: 2 });
    await Deno.writeTextFile(join(temporary, STATE), `${text}\n`);
  });
  await removeOld(folder);
}

/**
 * Reads the latest sound checkpoint of a folder.
 *
 * @param options `onNote` is told of a damaged checkpoint that is passed over,
 * and of another way of computing; `usual`: parts of an identity that a
 * checkpoint from before there were such parts has.
 * @returns null where there is no checkpoint.
 * @throws Error if the latest one is of another run: the message names the
 * first part of the identity that differs; if none is sound: it names the file.
 */
export async function readCheckpoint(
  folder: string,
  { onNote, usual = {}, ...options }: CheckpointOptions & {
    onNote?: (text: string) => void;
    usual?: Identity;
  },
): Promise<Snapshot | null> {
  let damage: Error | undefined;
  for (const step of (await stepsIn(folder)).toReversed()) {
    const path = join(folder, `step-${step}`);
    const state = await soundState(path, step).catch((error: Error) => {
      damage ??= error;
      onNote?.(`${error.message}; looking for an older checkpoint`);
    });
    if (!state) continue;
    assertSame(options.identity, { ...usual, ...state.identity }, path);
    noteComputing(options.computing, state.computing, onNote);
    return await readSnapshot(path, state, options.parameters);
  }
  if (damage) throw damage;
  return null;
}

/** Steps of the checkpoints in a folder, in order. */
async function stepsIn(folder: string): Promise<number[]> {
  const names = await namesIn(folder);
  return names
    .flatMap((name) => name.match(NAME)?.slice(1).map(Number) ?? [])
    .sort((a, b) => a - b);
}

/** Reads `state.json` and checks every file that it lists. */
async function soundState(path: string, step: number): Promise<State> {
  const refuse = (name: string, found: string, cause?: unknown) =>
    new Error(`Cannot resume from ${join(path, name)}: ${found}`, { cause });
  const text = await Deno.readTextFile(join(path, STATE)).catch((cause) => {
    throw refuse(STATE, reasonOf(cause), cause);
  });
  const state = parsedState(text);
  if (state === null || state.step !== step) {
    throw refuse(STATE, `expected the state of step ${step} with its files`);
  }
  for (const [name, stored] of Object.entries(state.files)) {
    const found = await storedFile(join(path, name)).catch((cause) => {
      throw refuse(name, reasonOf(cause), cause);
    });
    if (found.bytes !== stored.bytes) {
      throw refuse(
        name,
        `it has ${found.bytes} bytes, expected ${stored.bytes}`,
      );
    }
    if (found.sha256 !== stored.sha256) {
      throw refuse(name, "its content is not that which was written");
    }
  }
  return state;
}

function parsedState(text: string): State | null {
  try {
    const state: unknown = JSON.parse(text);
    return isState(state) ? state : null;
  } catch {
    return null;
  }
}

function isState(value: unknown): value is State {
  const parts = ["step", "carried", "identity", "computing", "files"];
  return typeof value === "object" && value !== null &&
    parts.every((part) => part in value);
}

async function readSnapshot(
  path: string,
  { step, carried, lossScale, files }: State,
  parameters: ParameterStore,
): Promise<Snapshot> {
  const tensors = new Map<string, Map<string, Float32Array<ArrayBuffer>>>([
    [PARAMETER, new Map(await parameters.read(join(path, parameters.name)))],
  ]);
  for (const file of Object.keys(files)) {
    const [, name] = file.match(/^([^/]+)\.safetensors$/) ?? [];
    if (name) tensors.set(name, await readTensors(join(path, file)));
  }
  return { step, carried, tensors, ...lossScale && { lossScale } };
}

async function removeOld(folder: string): Promise<void> {
  const kept = (await stepsIn(folder)).slice(-KEPT).map((s) => `step-${s}`);
  for (const name of await namesIn(folder)) {
    if (!OURS.test(name) || kept.includes(name)) continue;
    await Deno.remove(join(folder, name), { recursive: true });
  }
}

/** Every file below a folder, by its path in it. */
async function storedFiles(
  folder: string,
): Promise<Record<string, StoredFile>> {
  const paths = await filesBelow(folder);
  const pairs = paths.sort().map(async (path) =>
    [
      relative(folder, path).replaceAll("\\", "/"),
      await storedFile(path),
    ] as const
  );
  return Object.fromEntries(await Promise.all(pairs));
}

async function storedFile(path: string): Promise<StoredFile> {
  const { size } = await Deno.stat(path);
  return { bytes: size, sha256: await sha256File(path) };
}

async function filesBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) paths.push(...await filesBelow(path));
    else paths.push(path);
  }
  return paths;
}

/** Writes flat values, the shapes of which the policy knows. */
export async function writeTensors(
  path: string,
  values: Values,
): Promise<void> {
  const tensors = [...values].map(([name, data]) => ({
    name,
    shape: [data.length],
    data,
  }));
  await writeSafetensors(path, tensors);
}

export async function readTensors(
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
  const [before, after] = shown(first);
  throw new Error(
    `Cannot resume from ${path}: ${
      first.path.slice(1)
    } was ${before}, now it is ${after}`,
  );
}

function noteComputing(
  now: Identity,
  then: Identity,
  onNote?: (text: string) => void,
): void {
  const [before, after] = [then, now].map(withRanks);
  for (const difference of differences(before, after, { ignore: [] })) {
    const [before, after] = shown(difference);
    onNote?.(
      `${difference.path.slice(1)} was ${before}, now it is ${after}: ` +
        "the last digits may differ from those of an undisturbed run",
    );
  }
}

/** One process does not say that it is alone. */
const withRanks = (computing: Identity) => ({ ranks: 1, ...computing });

function shown(
  { before, after }: { before: unknown; after: unknown },
): string[] {
  return [before, after].map((x) => JSON.stringify(x) ?? "absent");
}
