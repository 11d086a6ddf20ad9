import { isObject, reasonOf } from "../files/values.ts";

/** Log-probabilities of n pairs in nats, summed over tokens, and lengths. */
export interface CaseInputs {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  readonly refChosen: readonly number[];
  readonly refRejected: readonly number[];
  readonly chosenLength: readonly number[];
  readonly rejectedLength: readonly number[];
}

/** A loss by name and options, as another trainer has them. */
export interface LossCase {
  readonly name: string;
  /** Its location in the file, for errors. */
  readonly location: string;
  readonly trlLossType: string | null;
  /** Whether log-probabilities are divided by lengths; null if it does not say. */
  readonly averaged: boolean | null;
  /** Under any trainer's names; nested ones lie flat, absent ones are gone. */
  readonly options: Readonly<Record<string, number | string | boolean>>;
  /** log π_θ − log π_ref of mismatched completions. */
  readonly klLogRatios: readonly number[] | null;
  /** Log-probabilities of one token each that replace the block's. */
  readonly averages: Pick<CaseInputs, "chosen" | "rejected"> | null;
  /** All that the file says except results. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** Cases under one β and the same inputs. */
export interface CaseBlock {
  readonly beta: number;
  readonly inputs: CaseInputs;
  readonly cases: readonly LossCase[];
  /** All that the file says except cases. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/**
 * Reads blocks of cases from a JSON file; losses and gradients in it are
 * ignored.
 *
 * @throws Error that names file, block, case and field, the value there, and
 * the value that was expected.
 */
export async function readCases(path: string): Promise<CaseBlock[]> {
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
  return parseCases(value, path);
}

/** Reads blocks of cases from the JSON value that the file `path` held. */
export function parseCases(value: unknown, path: string): CaseBlock[] {
  const { blocks } = object(value, path);
  return list(blocks, `${path}, blocks`).map((block, i) =>
    readBlock(block, `${path}, block ${i + 1}`)
  );
}

function readBlock(value: unknown, location: string): CaseBlock {
  const { cases, ...rest } = object(value, location);
  const { beta, inputs } = rest;
  if (!isNumber(beta)) throw unexpected(`${location}, beta`, beta, "a number");
  const names = new Set<string>();
  return {
    beta,
    inputs: readInputs(inputs, `${location}, inputs`),
    cases: list(cases, `${location}, cases`).map((each, i) => {
      const found = readCase(each, `${location}, case ${i + 1}`, location);
      if (!names.has(found.name)) names.add(found.name);
      else throw unexpected(found.location, "it twice", "names that differ");
      return found;
    }),
    rest,
  };
}

const INPUTS = [
  "chosen",
  "rejected",
  "refChosen",
  "refRejected",
  "chosenLength",
  "rejectedLength",
] as const satisfies readonly (keyof CaseInputs)[];

function readInputs(value: unknown, location: string): CaseInputs {
  const fields = object(value, location);
  const lists = INPUTS.map((name) => {
    const numbers = numberList(fields[name], `${location}.${name}`);
    return [name, numbers] as const;
  });
  const count = lists[0]![1].length;
  for (const [name, numbers] of lists) {
    expectCount(numbers, count, `${location}.${name}`);
    const odd = name.endsWith("Length") ? numbers.findIndex(notLength) : -1;
    if (odd < 0) continue;
    const place = `${location}.${name}[${odd}]`;
    throw unexpected(place, numbers[odd], "a whole number above 0");
  }
  return Object.fromEntries(lists) as Record<keyof CaseInputs, number[]>;
}

function notLength(x: number): boolean {
  return !Number.isSafeInteger(x) || x < 1;
}

function readCase(value: unknown, numbered: string, block: string): LossCase {
  const fields = object(value, numbered);
  const { name, trlLossType = null, averaged = null } = fields;
  if (typeof name !== "string" || name === "") {
    throw unexpected(`${numbered}, name`, name, "a text");
  }
  const location = `${block}, case "${name}"`;
  if (trlLossType !== null && typeof trlLossType !== "string") {
    throw unexpected(`${location}, trlLossType`, trlLossType, "a text");
  }
  if (averaged !== null && typeof averaged !== "boolean") {
    throw unexpected(`${location}, averaged`, averaged, "true or false");
  }
  const given = object(fields["options"] ?? {}, `${location}, options`);
  // kl follows from the log-ratios.
  const { note: _note, kl: _kl, klLogRatios = null, ...options } = given;
  return {
    name,
    location,
    trlLossType,
    averaged,
    options: Object.fromEntries(flat(options, `${location}, options`)),
    klLogRatios: klLogRatios === null
      ? null
      : numberList(klLogRatios, `${location}, options.klLogRatios`),
    averages: readAverages(fields, location),
    rest: Object.fromEntries(
      Object.entries(fields).filter(([name]) => !/^(losses|grad)/.test(name)),
    ),
  };
}

function readAverages(
  fields: Readonly<Record<string, unknown>>,
  location: string,
): LossCase["averages"] {
  const { averageChosen, averageRejected } = fields;
  if (averageChosen === undefined && averageRejected === undefined) return null;
  const chosen = numberList(averageChosen, `${location}, averageChosen`);
  const place = `${location}, averageRejected`;
  const rejected = numberList(averageRejected, place);
  expectCount(rejected, chosen.length, place);
  return { chosen, rejected };
}

/** Options of nested objects under their own names; `null` is absence. */
function* flat(
  options: Readonly<Record<string, unknown>>,
  location: string,
): Generator<[string, number | string | boolean]> {
  for (const [name, value] of Object.entries(options)) {
    const place = `${location}.${name}`;
    if (value === null) continue;
    if (isObject(value)) yield* flat(value, place);
    else if (typeof value === "string" || typeof value === "boolean") {
      yield [name, value];
    } else if (isNumber(value)) yield [name, value];
    else throw unexpected(place, value, "a number, a text, true or false");
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function object(value: unknown, location: string): Record<string, unknown> {
  if (isObject(value)) return value;
  throw unexpected(location, value, "an object");
}

function list(value: unknown, location: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw unexpected(location, value, "a list that is not empty");
}

function numberList(value: unknown, location: string): number[] {
  return list(value, location).map((x, i) => {
    if (isNumber(x)) return x;
    throw unexpected(`${location}[${i}]`, x, "a number");
  });
}

function expectCount(
  numbers: readonly number[],
  count: number,
  location: string,
) {
  if (numbers.length === count) return;
  throw unexpected(
    location,
    `${numbers.length} numbers`,
    `${count} as of chosen`,
  );
}

function unexpected(location: string, found: unknown, expected: string): Error {
  const text = typeof found === "string" ? found : JSON.stringify(found);
  return new RangeError(
    `Cannot read ${location}: found ${text ?? "nothing"}, expected ${expected}`,
  );
}
