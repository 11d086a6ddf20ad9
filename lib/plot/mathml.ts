import mathup from "mathup";
import { textHtml } from "./page.ts";

/**
 * Turns a formula in plain text into MathML, with one line for each part
 * between commas outside of brackets.
 */
export function formulaHtml(formula: string): string {
  const lines = cut(formula, /, /y);
  return lines.map(({ text }, i) =>
    `<div>${lineHtml(text, { mark: i + 1 < lines.length ? "," : "" })}</div>`
  ).join("\n");
}

/**
 * Turns prose with formulas in backquotes into HTML. Fractions get a slash:
 * stacked, they would be too small.
 */
export function proseHtml(text: string): string {
  const [first = "", ...parts] = text.split("`");
  const html = parts.map((part, i) => {
    if (i % 2 === 1) return textHtml(part.replace(PUNCTUATION, ""));
    const [mark = ""] = parts[i + 1]?.match(PUNCTUATION) ?? [];
    return lineHtml(part.replaceAll("/", "//"), { mark });
  });
  return [textHtml(first), ...html].join("");
}

/** Marks that must not begin a line. */
const PUNCTUATION = /^[.,;:)]+/;

/**
 * Browsers do not break MathML into lines, so each term is a formula of its
 * own, and a line may end before an operator with spaces around it.
 *
 * @param options `mark` is punctuation after the formula.
 */
function lineHtml(formula: string, { mark = "" } = {}): string {
  const terms = cut(formula, / [−+=] /y).map(({ text, separator }) => {
    const math = mathup(withWords(text)).toString();
    if (separator === "") return math;
    const operator = `<mo form="infix">${separator.trim()}</mo>`;
    return math.replace("<math>", `<math>${operator}`);
  });
  const last = terms.pop();
  return [...terms, `<span class="last">${last}${mark}</span>`].join("<wbr>");
}

interface Term {
  readonly text: string;
  /** The separator before it. */
  readonly separator: string;
}

/** Cuts where a sticky pattern is found outside of brackets and quotes. */
function cut(formula: string, pattern: RegExp): Term[] {
  const parts: Term[] = [];
  let [start, depth, separator] = [0, 0, ""];
  for (let at = 0; at < formula.length; at++) {
    if (formula[at] === '"') at = formula.indexOf('"', at + 1);
    if (at < 0) break;
    depth += "([{".includes(formula[at]!) ? 1 : 0;
    depth -= ")]}".includes(formula[at]!) ? 1 : 0;
    pattern.lastIndex = at;
    const [match] = depth === 0 ? pattern.exec(formula) ?? [] : [];
    if (match === undefined) continue;
    parts.push({ text: formula.slice(start, at), separator });
    separator = match;
    start = at + match.length;
    at = start - 1;
  }
  return [...parts, { text: formula.slice(start), separator }];
}

/** Operators and functions that mathup knows by name. */
const KNOWN = /^(log|ln|max|min|sum|sqrt)$/;
/** Has no width, and keeps the spaces that mathup and browsers drop at an edge. */
const JOINER = "\u2060";

/**
 * Quotes words, which mathup takes for products of letters, and keeps the
 * spaces around them.
 */
function withWords(formula: string): string {
  return formula.replace(/"([^"]*)"|[A-Za-z]{2,}|\*/g, (match, quoted) => {
    if (match === "*") return "∗";
    return KNOWN.test(match) ? match : `"${quoted ?? match}"`;
  }).replace(
    /( ?)"([^"]*)"( ?)/g,
    (_, before, word, after) =>
      `"${before && JOINER + before}${word}${after && after + JOINER}"`,
  );
}
