import * as v from "valibot";
import { checkJson } from "../record/check_json.ts";

/** Seconds that kernels of an operator took, and how often they ran. */
export interface OperatorTime {
  readonly operator: string;
  readonly seconds: number;
  readonly runs: number;
}

/** Events of onnxruntime's profile, in the format of Chrome's traces. */
const EVENTS = v.array(v.looseObject({
  cat: v.optional(v.string()),
  name: v.optional(v.string()),
  /** Microseconds. */
  dur: v.optional(v.number()),
  args: v.optional(v.looseObject({ op_name: v.optional(v.string()) })),
}));

/**
 * Sums the kernels' times in a profile that onnxruntime wrote, longest first.
 *
 * @throws Error where the text is no such profile.
 */
export function operatorTimes(profile: string): OperatorTime[] {
  const events = checkJson(
    EVENTS,
    JSON.parse(profile),
    "Cannot read a profile",
  );
  const kernels = events.filter(({ cat, name, args }) =>
    cat === "Node" && name?.endsWith("_kernel_time") && args?.op_name
  );
  const groups = Map.groupBy(kernels, ({ args }) => args!.op_name!);
  return Array.from(groups, ([operator, events]) => ({
    operator,
    seconds: events.reduce((sum, { dur = 0 }) => sum + dur, 0) / 1e6,
    runs: events.length,
  })).sort((a, b) => b.seconds - a.seconds);
}
