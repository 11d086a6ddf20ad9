import {
  completionTexts,
  type PreferenceRow,
  questionText,
} from "../preference_row.ts";

/**
 * The share of a row's completions that begin with its whole prompt, its last
 * question or the first one of a conversation, perhaps behind the mark of a
 * speaker: `\n\nHuman: …`, `<|im_start|>user\n…`. Questions that are so short
 * that an answer may begin with them by chance repeat nothing.
 */
export function repeatedPrompts(row: PreferenceRow): number {
  const questions = questionsOf(row).map((text) => text.trim()).filter(isLong);
  if (questions.length === 0) return 0;
  const answers = row.form === "chat"
    ? row.completions.map(([first]) => first?.content ?? "")
    : completionTexts(row);
  const repeating = answers.filter((text) =>
    questions.some((question) => beginsWith(text, question))
  );
  return repeating.length / answers.length;
}

function questionsOf(row: PreferenceRow): string[] {
  const last = questionText(row) ?? "";
  if (row.form !== "chat") return [last];
  const first = row.prompt.find(({ role }) => role === "user")?.content;
  return [last, first ?? ""];
}

/** Fewest bytes of a question that an answer hardly begins with by chance. */
const CHANCE = 12;

const encoder = new TextEncoder();

function isLong(question: string): boolean {
  return question.length >= CHANCE ||
    encoder.encode(question).length >= CHANCE;
}

/** Most characters of the mark of a speaker. */
const MARK = 60;

function beginsWith(text: string, question: string): boolean {
  // Most texts have not even its first characters, which are found sooner.
  const head = question.slice(0, CHANCE);
  if (!text.slice(0, MARK + CHANCE).includes(head)) return false;
  const at = text.slice(0, MARK + question.length).indexOf(question);
  return at !== -1 && isMark(text.slice(0, at));
}

const TAG = /<[^<>\n]*>|\[[^[\]\n]*\]/g;

/** Names of a speaker who asks, and of what is asked. */
const ASKING = new Set([
  "",
  "human",
  "user",
  "prompter",
  "prompt",
  "question",
  "q",
  "instruction",
  "input",
  "problem",
]);

/** Whether a text is nothing but tags, signs and the name of a speaker. */
function isMark(text: string): boolean {
  if (/^\s*$/.test(text)) return true;
  const names = text.replace(TAG, " ").replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  return ASKING.has(names.toLowerCase());
}
