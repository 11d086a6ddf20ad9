import { isDeepStrictEqual } from "node:util";
import * as v from "valibot";
import {
  type Certain,
  expectation,
  type Flag,
  type Flags,
  type FlagValues,
  isAllowed,
  type ValueOf,
} from "./flag.ts";

/** Name of a flag's value in a record. */
type Recorded<F, Name> = F extends { recordedAs: infer R extends PropertyKey }
  ? R
  : Name;

/** A flag's value in a record: null if it is absent. */
type Settled<F> = F extends Certain ? ValueOf<F> : ValueOf<F> | null;

/** Values of flags as a record keeps them, null for absent ones. */
export type SettledValues<F extends Flags> = {
  readonly [K in keyof F as Recorded<F[K], K>]: Settled<F[K]>;
};

/** Values of flags in a record that keeps only given ones. */
export type SparseValues<F extends Flags> = {
  readonly [K in keyof F]?: ValueOf<F[K]>;
};

/** Schemas of {@linkcode SettledValues}. */
type Schemas<F extends Flags> = {
  readonly [K in keyof F as Recorded<F[K], K>]: v.GenericSchema<Settled<F[K]>>;
};

/** Schemas of {@linkcode SparseValues}. */
type SparseSchemas<F extends Flags> = {
  readonly [K in keyof F]: v.ExactOptionalSchema<
    v.GenericSchema<ValueOf<F[K]>>,
    undefined
  >;
};

/** Turns values of a command line into those of a record. */
export function settle<const F extends Flags>(
  flags: F,
  values: Readonly<FlagValues<F>>,
): SettledValues<F> {
  const given: Readonly<Record<string, unknown>> = values;
  return recorded(flags, (_, name) => given[name] ?? null) as SettledValues<F>;
}

/** Turns values of a command line into those that are given and not false. */
export function settleSparse<const F extends Flags>(
  flags: F,
  values: Readonly<FlagValues<F>>,
): SparseValues<F> {
  const given = Object.entries(values).filter(([name, value]) =>
    Object.hasOwn(flags, name) && value !== false
  );
  return Object.fromEntries(given) as SparseValues<F>;
}

/**
 * The values of flags from those of a record, without the ones that a command
 * line has anyway: absent ones, toggles that are off, and defaults.
 */
export function unsettle(
  flags: Flags,
  settled: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values = Object.entries(flags).flatMap(([name, flag]) => {
    const value = settled[flag.recordedAs ?? name] ?? null;
    const usual = flag.kind === "toggle" ? false : flag.default ?? null;
    const isUsual = value === null || isDeepStrictEqual(value, usual);
    return isUsual ? [] : [[name, value] as const];
  });
  return Object.fromEntries(values);
}

/** Schemas of values in a record. A missing value has its default, or is null. */
export function schemasOf<const F extends Flags>(flags: F): Schemas<F> {
  return recorded(flags, schemaOf) as Schemas<F>;
}

/** Schemas of values in a record that keeps only given ones. */
export function sparseSchemasOf<const F extends Flags>(
  flags: F,
): SparseSchemas<F> {
  return recorded(
    flags,
    (flag) => v.exactOptional(checked(flag)),
  ) as SparseSchemas<F>;
}

function schemaOf(flag: Flag): v.GenericSchema {
  if (flag.kind === "toggle") return v.optional(checked(flag), false);
  if (flag.required) return checked(flag);
  return flag.default === undefined
    ? v.optional(v.nullable(checked(flag)), null)
    : v.optional(checked(flag), () => flag.default);
}

function checked(flag: Flag): v.GenericSchema {
  return v.custom((value) => isAllowed(flag, value), expectation(flag));
}

/** Something for each flag, by its name in a record. */
function recorded(
  flags: Flags,
  make: (flag: Flag, name: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      flag.recordedAs ?? name,
      make(flag, name),
    ]),
  );
}
