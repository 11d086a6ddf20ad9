import * as v from "valibot";
import { expectation, type Flag, type Flags, isAllowed } from "./flag.ts";
import type { FlagValues, ValueOf } from "./flag.ts";

/** The name of a flag's value in a record. */
type Recorded<F, Name> = F extends { recordedAs: infer R extends PropertyKey }
  ? R
  : Name;

/** A flag's value in a record: null for what may be absent and is. */
type Settled<F> = F extends
  { kind: "toggle" } | { default: unknown } | { required: true } ? ValueOf<F>
  : ValueOf<F> | null;

/** Values of flags as a record keeps them: by their names there, null for what is absent. */
export type SettledValues<F extends Flags> = {
  readonly [K in keyof F as Recorded<F[K], K>]: Settled<F[K]>;
};

/** Values of a command line as a record keeps them. */
export function settle<const F extends Flags>(
  flags: F,
  values: Readonly<FlagValues<F>>,
): SettledValues<F> {
  const given: Readonly<Record<string, unknown>> = values;
  return Object.fromEntries(
    Object.entries(flags).map((
      [name, flag],
    ) => [recordedAs(name, flag), given[name] ?? null]),
  ) as SettledValues<F>;
}

/** The values of flags that were given, apart from toggles that are off. */
export type SparseValues<F extends Flags> = {
  readonly [K in keyof F]?: ValueOf<F[K]>;
};

/** The values that a record keeps which has only those that were given. */
export function settleSparse<const F extends Flags>(
  flags: F,
  values: Readonly<FlagValues<F>>,
): SparseValues<F> {
  const given: Readonly<Record<string, unknown>> = values;
  return Object.fromEntries(
    Object.keys(flags).map((name) => [name, given[name]] as const)
      .filter(([, value]) => value !== undefined && value !== false),
  ) as SparseValues<F>;
}

/** Schemas of the same values. One that is missing has its default, or is null. */
type Schemas<F extends Flags> = {
  readonly [K in keyof F as Recorded<F[K], K>]: v.GenericSchema<Settled<F[K]>>;
};

export function schemasOf<const F extends Flags>(flags: F): Schemas<F> {
  return Object.fromEntries(
    Object.entries(flags).map((
      [name, flag],
    ) => [recordedAs(name, flag), schemaOf(flag)]),
  ) as Schemas<F>;
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

/** Values of flags as a record keeps them that has only those which were given. */
type SparseSchemas<F extends Flags> = {
  readonly [K in keyof F]: v.ExactOptionalSchema<
    v.GenericSchema<ValueOf<F[K]>>,
    undefined
  >;
};

export function sparseSchemasOf<const F extends Flags>(
  flags: F,
): SparseSchemas<F> {
  return Object.fromEntries(
    Object.entries(flags).map((
      [name, flag],
    ) => [name, v.exactOptional(checked(flag))]),
  ) as SparseSchemas<F>;
}

function recordedAs(name: string, { recordedAs = name }: Flag): string {
  return recordedAs;
}
