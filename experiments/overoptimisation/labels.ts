import type { Level } from "lib/experiment/grid.ts";
import { ANSWERS, REWARDS, VOCABULARY } from "../answers/world.ts";

/** Whether each answer has the words that labels like too much: "not great". */
export const PRAISED: readonly number[] = ANSWERS.map(({ ids }) =>
  Number(
    ids.some((id, i) =>
      VOCABULARY[id] === "not" && VOCABULARY[ids[i + 1]!] === "great"
    ),
  )
);

/** The reward that labels follow: the gold one, and a bonus for those words. */
export function proxyRewards({ bonus = 0 }: Level): number[] {
  return REWARDS.map((reward, i) => reward + bonus * PRAISED[i]!);
}
