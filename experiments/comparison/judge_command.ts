import { basename, isAbsolute } from "node:path";
import { fromHere } from "lib/files/from_here.ts";
import { isObject, reasonOf } from "lib/files/values.ts";
import { decodeText } from "lib/files/read_json.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { sha256, sha256File } from "lib/record/sha256.ts";
import {
  changed,
  type Judge,
  type JudgedAnswer,
  type Scores,
} from "./judge.ts";

/**
 * A judge that is a command of the user's. It runs once for each evaluation: it
 * reads JSON lines, `{ id, prompt, answer }`, and writes one for each,
 * `{ score }`, in the same order, perhaps with the `id`. `prompt` is text, or
 * messages where the data have them. There is no shell: data are never part of
 * the command line. Files that the command names are those that it began with.
 */
export class JudgeCommand implements Judge {
  private constructor(
    readonly place: string,
    private readonly words: readonly string[],
    readonly hash: string | null,
  ) {}

  /** @throws Error for a command line that cannot be split into words. */
  static async open(command: string): Promise<JudgeCommand> {
    const words = wordsOf(command);
    return new JudgeCommand(command, words, await hashOfFiles(words));
  }

  async score(answers: readonly JudgedAnswer[]): Promise<Scores> {
    if (await hashOfFiles(this.words) !== this.hash) throw changed(this.place);
    const { status, output, errors } = await this.#run(
      answers.map((answer, id) => JSON.stringify({ id, ...answer }) + "\n"),
    );
    try {
      if (status !== 0) {
        throw new Error(`it ended with status ${status}, expected scores`);
      }
      const scores = readScores(decodeText(output), answers.length);
      return { scores, cut: 0 };
    } catch (cause) {
      const said = new TextDecoder().decode(errors).trimEnd();
      throw new Error(
        `Cannot use --judge ${JSON.stringify(this.place)}: ${reasonOf(cause)}${
          said && `; it said:\n${lastFirst(said)}`
        }`,
        { cause },
      );
    }
  }

  /** Every run has a process of its own. */
  release(): Promise<void> {
    return Promise.resolve();
  }

  async #run(lines: readonly string[]) {
    const guard = import.meta.resolve("./judge_guard.ts");
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", guard, `${Deno.pid}`, ...this.words],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const written = ReadableStream.from(lines)
      .pipeThrough(new TextEncoderStream()).pipeTo(child.stdin)
      .catch(() => {}); // It has stopped to read; its status tells why.
    const { code, stdout, stderr } = await child.output();
    await written;
    return { status: code, output: stdout, errors: stderr };
  }
}

/**
 * SHA-256 of the files among the words of a command; `null` without any. A
 * program without a path is not looked for.
 */
async function hashOfFiles(words: readonly string[]): Promise<string | null> {
  const hashes: string[] = [];
  const [program, ...args] = words;
  for (const word of basename(program!) === program ? args : words) {
    // Whatever else a word may be, a text too long for a name among them.
    const isFile = await Deno.stat(word).then((at) => at.isFile, () => false);
    if (isFile) hashes.push(await sha256File(word));
  }
  return hashes.length === 0 ? null : sha256(canonicalJson(hashes));
}

/** A word of a command line: text, quoted in places. */
const WORD = /(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/gs;
const QUOTED = /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs;

/**
 * The words of a command line, quoted as for a shell
 * (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02).
 * Nothing else that means something to a shell does here.
 *
 * @throws Error where a quotation does not end, or where there is no word.
 */
export function wordsOf(command: string): string[] {
  const words = command.match(WORD) ?? [];
  const isWhole = command.replace(WORD, "").trim() === "";
  if (isWhole && words.length > 0) return words.map(unquoted);
  throw new Error(
    `Cannot read --judge ${JSON.stringify(command)}: ${
      isWhole ? "it is empty" : "a quotation does not end"
    }; expected a program and its arguments, quoted as for a shell`,
  );
}

function unquoted(word: string): string {
  return word.replace(
    QUOTED,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? escaped ?? double!.replace(/\\(["\\$`])/g, "$1"),
  );
}

/** The command line with a program that is named from the current folder. */
export function portableCommand(command: string): string {
  const [program] = wordsOf(command);
  if (!isAbsolute(program!)) return command.trim();
  const [raw] = command.match(WORD)!;
  const here = fromHere(program!).replaceAll("'", "'\\''");
  return command.trim().replace(raw, () => `'${here}'`);
}

/**
 * Reads the scores that a judge wrote.
 *
 * @throws Error that names the line, what it is, and what was expected.
 */
export function readScores(output: string, count: number): number[] {
  const lines = output.split("\n").map((text, i) => ({ text, line: i + 1 }))
    .filter(({ text }) => text.trim() !== "");
  const scores = lines.map(({ text, line }, id) => {
    const value = valueOf(text);
    if (!isObject(value) || !isFinite(value.score)) {
      throw new Error(
        `line ${line} of its output is ${
          shown(text)
        }, expected an object with a finite number as its "score"`,
      );
    }
    if (value.id === undefined || value.id === id) return value.score;
    throw new Error(
      `line ${line} of its output has the id ${
        shown(JSON.stringify(value.id))
      }, expected ${id}: scores in the order of the answers`,
    );
  });
  if (scores.length === count) return scores;
  throw new Error(
    `it wrote ${scores.length} scores, expected one for each of ${count} answers`,
  );
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFinite(score: unknown): score is number {
  return Number.isFinite(score);
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The last line, which has the error where there is one, and then all. */
function lastFirst(said: string): string {
  const lines = said.split("\n");
  return lines.length === 1 ? said : `${lines.at(-1)}\n\n${said}`;
}
