import { ok } from "node:assert/strict";
import type { DataKind } from "lib/data/example.ts";
import { findFormat } from "lib/data/formats/registry.ts";
import type { Message } from "lib/data/messages.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";
import {
  type Fields,
  type LayoutName,
  trlLayout,
  writtenRow,
} from "lib/data/write/layout.ts";
import { llamafactoryLayout } from "lib/data/write/llamafactory.ts";
import { Rng } from "lib/rng.ts";

const LAYOUTS = { trl: trlLayout, llamafactory: llamafactoryLayout };
const ROLES = ["user", "assistant", "tool", "system"];
const TEXTS = ["x", "", "two\nlines", "<image>", "é"];
const pick = <T>(rng: Rng, list: readonly T[]) =>
  list[rng.integer(list.length)]!;

/** A conversation whose speakers mostly take turns, and its answers. */
function randomChat(rng: Rng, kind: "pairs" | "labels"): PreferenceRow {
  const turn = (role: string): Message => ({ role, content: pick(rng, TEXTS) });
  const prompt = Array.from(
    { length: 1 + rng.integer(4) },
    (_, i) => turn(rng.integer(4) > 0 ? ROLES[i % 2]! : pick(rng, ROLES)),
  );
  const several = rng.integer(4) === 0;
  const roles = several ? ["assistant", "user", "assistant"] : ["assistant"];
  const answer = (k: number) =>
    roles.map((role) => ({
      ...turn(role),
      content: `${k}${pick(rng, TEXTS)}`,
    }));
  return {
    form: "chat",
    location: "a",
    prompt,
    completions: kind === "pairs" ? [answer(0), answer(1)] : [answer(0)],
    ...kind === "labels" && { label: rng.integer(2) === 0 },
  };
}

function randomText(rng: Rng, kind: "pairs" | "labels"): PreferenceRow {
  const [prompt, a, b] = Array.from({ length: 3 }, () => pick(rng, TEXTS));
  return {
    form: "text",
    location: "a",
    prompt: prompt!,
    completions: kind === "pairs" ? [a!, b!] : [a!],
    ...kind === "labels" && { label: rng.integer(2) === 0 },
  };
}

interface Turn {
  readonly from?: unknown;
  readonly value?: unknown;
}

const [ASK, ANSWER] = [["human", "observation"], ["gpt", "function_call"]];

/**
 * Whether LLaMA-Factory's converter and processors keep a row, as
 * `src/llamafactory/data/converter.py` and `processor/{pairwise,feedback}.py`
 * have it: speakers take turns after a system message; each side of a pair is
 * one answer; the answer of a label is the last message.
 */
function isKeptByLlamaFactory(fields: Fields): boolean {
  const { conversations, chosen, rejected, kto_tag: tag } = fields;
  if (conversations === undefined) {
    const { instruction, output } = fields;
    const sides = tag === undefined ? [chosen, rejected] : [output];
    return [instruction, ...sides].every((text) => typeof text === "string") &&
      (tag === undefined || typeof tag === "boolean") &&
      // An empty answer of a label is taken for the other label.
      !(tag === true && output === "");
  }
  const turns = conversations as Turn[];
  const asked = turns[0]?.from === "system" ? turns.slice(1) : turns;
  const alternate = asked.every(({ from, value }, i) =>
    (i % 2 === 0 ? ASK : ANSWER)!.includes(from as string) &&
    typeof value === "string"
  );
  if (tag !== undefined) {
    return alternate && asked.length % 2 === 0 && typeof tag === "boolean" &&
      !(tag && asked.at(-1)?.value === "");
  }
  return alternate && asked.length % 2 === 1 &&
    [chosen, rejected].every((side) => {
      const { from, value } = Object(side);
      return ANSWER!.includes(from) && typeof value === "string";
    });
}

/**
 * Whether TRL's `data_utils.py` takes a row: messages of `role` and `content`, or
 * texts throughout, and a prompt of which a template can go on.
 */
function isTakenByTrl(fields: Fields): boolean {
  const { prompt, chosen, rejected, completion, label } = fields;
  const sides = label === undefined ? [chosen, rejected] : [completion];
  if (label !== undefined && typeof label !== "boolean") return false;
  if (typeof prompt === "string") {
    return sides.every((side) => typeof side === "string");
  }
  const areMessages = (value: unknown) =>
    Array.isArray(value) && value.length > 0 &&
    value.every((message) =>
      typeof message.role === "string" && typeof message.content === "string"
    );
  const last = (prompt as Message[]).at(-1)?.role ?? "";
  return [prompt, ...sides].every(areMessages) &&
    ["user", "tool", "assistant"].includes(last);
}

const TOOLS: Record<LayoutName, (fields: Fields) => boolean> = {
  llamafactory: isKeptByLlamaFactory,
  trl: isTakenByTrl,
};

/** A row as it is written; `null` where it is refused. */
function writtenFor(name: LayoutName, kind: DataKind, row: PreferenceRow) {
  const layout = LAYOUTS[name](kind, row.form);
  try {
    return writtenRow(row, { layout, format: findFormat(layout.format) });
  } catch {
    return null;
  }
}

for (const [name, isTaken] of Object.entries(TOOLS)) {
  for (const kind of ["pairs", "labels"] as const) {
    for (const random of [randomChat, randomText]) {
      const what = random === randomChat ? "conversations" : "texts";
      Deno.test(`${name} takes all ${kind} of ${what} that are written for it`, () => {
        const rng = new Rng(name);
        const rows = Array.from({ length: 300 }, () => random(rng, kind));
        const found = rows.map((row) =>
          writtenFor(name as LayoutName, kind, row)
        );
        const written = found.filter((fields) => fields !== null);
        for (const fields of written) {
          ok(
            isTaken(JSON.parse(JSON.stringify(fields))),
            JSON.stringify(fields),
          );
        }
        const refused = rows.length - written.length;
        ok(written.length > 50, `${written.length} written`);
        ok(random === randomText || refused > 5, `${refused} refused`);
      });
    }
  }
}
