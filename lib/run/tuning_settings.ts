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
    full: toggle({
      help: "train every parameter instead of an adapter",
      excludes: {
        flags: ["initAdapter", ...Object.keys(LORA_FLAGS)],
        because: "which trains no adapter",
      },
    }),
  }),
  ...LORA_FLAGS,
  initAdapter: {
    ...ADAPTER_FLAGS.initAdapter,
    required: false,
    excludes: {
      flags: Object.keys(LORA_FLAGS),
      because: "which has its own",
    },
  },
} as const;

/** Schema of {@linkcode TuningSettings}. */
export const TUNING_SETTINGS = v.variant("kind", [
  v.strictObject({ kind: v.literal("full") }),
  v.strictObject({ kind: v.literal("lora"), ...schemasOf(LORA_FLAGS) }),
  v.strictObject({ kind: v.literal("adapter"), ...schemasOf(ADAPTER_FLAGS) }),
]);

/** The trained parameters, as a record keeps them. */
export type TuningSettings = v.InferOutput<typeof TUNING_SETTINGS>;

/** Settings from a command line. */
export function tuningSettings(
  values: FlagValues<typeof TUNING_FLAGS>,
): TuningSettings {
  const { full, initAdapter } = values;
  if (full) return { kind: "full" };
  if (initAdapter !== undefined) {
    return { kind: "adapter", adapter: initAdapter };
  }
  return { kind: "lora", ...settle(LORA_FLAGS, values) };
}

function isTargets(value: unknown): value is "all-linear" | readonly string[] {
  return value === "all-linear" ||
    Array.isArray(value) && value.every((name) => typeof name === "string");
}
