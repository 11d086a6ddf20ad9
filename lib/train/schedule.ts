/** Names of the learning-rate schedules. */
export const SCHEDULES = ["constant", "linear", "cosine"] as const;
/** One of {@linkcode SCHEDULES}. */
export type Schedule = typeof SCHEDULES[number];

/** Share of the learning rate left after the warm-up, for `progress` in [0, 1]. */
const DECAY: Record<Schedule, (progress: number) => number> = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
};

/** Steps that a schedule is spread over. */
export interface ScheduleOptions {
  /** Steps of the whole run. */
  steps: number;
  /** Steps over which the rate rises linearly from 0. */
  warmup: number;
}

/**
 * Share of the learning rate at a step counted from 1, as transformers'
 * schedulers have it: the first step of a warm-up has rate 0.
 */
export function scheduled(
  schedule: Schedule,
  step: number,
  { steps, warmup }: ScheduleOptions,
): number {
  const done = step - 1;
  if (done < warmup) return done / warmup;
  return DECAY[schedule]((done - warmup) / Math.max(1, steps - warmup));
}
