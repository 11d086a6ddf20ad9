import * as v from "valibot";
import {
  type FlagValues,
  grouped,
  integer,
  number,
  parsed,
  text,
  toggle,
} from "../cli/flag.ts";
import { refuseGiven } from "../cli/flags.ts";
import { schemasOf, settle } from "../cli/settings.ts";

/** Heading of flags for the parameters that are trained. */
export const TUNING = "Trained parameters";

/** Settings of a new adapter. */
const LORA_FLAGS = grouped(TUNING, {
  loraRank: integer({
    help: "rank of a new adapter",
    default: 16,
    min: 1,
    recordedAs: "rank",
  }),
  loraAlpha: number({
    help: "scales a new adapter's update by alpha / rank",
    default: 32,
    above: 0,
    recordedAs: "alpha",
  }),
  loraTargets: parsed({
    help: "layers that a new adapter changes",
    placeholder: "all-linear|NAME,…",
    expected: "all-linear, or names of layers",
    default: "all-linear",
    parse: (names) => names === "all-linear" ? names : names.split(","),
    is: isTargets,
    recordedAs: "targets",
  }),
});

const ADAPTER_FLAGS = grouped(TUNING, {
  initAdapter: text({
    help: "adapter to train further, a folder or org/name[@revision]; the " +
      "reference has it too",
    placeholder: "DIR|ID",
    required: true,
    recordedAs: "adapter",
  }),
});

/** Flags for the choice of the trained parameters. */
export const TUNING_FLAGS = {
  ...grouped(TUNING, {
    full: toggle({ help: "train every parameter instead of an adapter" }),
  }),
  ...LORA_FLAGS,
  initAdapter: { ...ADAPTER_FLAGS.initAdapter, required: false },
} as const;

/** Schema of {@linkcode TuningSettings}. */
export const TUNING_SETTINGS = v.variant("kind", [
  v.strictObject({ kind: v.literal("full") }),
  v.strictObject({ kind: v.literal("lora"), ...schemasOf(LORA_FLAGS) }),
  v.strictObject({ kind: v.literal("adapter"), ...schemasOf(ADAPTER_FLAGS) }),
]);

/** The trained parameters, as a record keeps them. */
export type TuningSettings = v.InferOutput<typeof TUNING_SETTINGS>;

/**
 * Settings from a command line.
 *
 * @param given names of the flags that were given.
 * @throws Error that names flags which contradict one another.
 */
export function tuningSettings(
  values: FlagValues<typeof TUNING_FLAGS>,
  given: ReadonlySet<string>,
): TuningSettings {
  const { full, initAdapter } = values;
  const lora = Object.keys(LORA_FLAGS);
  if (full) {
    const names = ["initAdapter", ...lora];
    refuseGiven(given, names, "with --full, which trains no adapter");
    return { kind: "full" };
  }
  if (initAdapter !== undefined) {
    refuseGiven(given, lora, "with --init-adapter, which has its own");
    return { kind: "adapter", adapter: initAdapter };
  }
  return { kind: "lora", ...settle(LORA_FLAGS, values) };
}

function isTargets(value: unknown): value is "all-linear" | readonly string[] {
  return value === "all-linear" ||
    Array.isArray(value) && value.every((name) => typeof name === "string");
}
