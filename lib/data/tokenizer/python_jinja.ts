import { parseTemplate } from "./jinja/ast.ts";
import { renderTemplate } from "./jinja/evaluate.ts";
import { globalsAt } from "./jinja/globals.ts";
import { valueOf } from "./jinja/values.ts";

/**
 * Compiles a template so that it writes the text that Python's Jinja, as
 * transformers sets it up, would write. Values are Python's: each becomes text,
 * compares and adds as it does there, or is an error. Errors, too, are
 *
 * - numbers that lost digits when they were read, and objects that lost the order
 *   of their keys then. A `Number` object is a float, see `parseWithFloats()`;
 * - filters, tests, methods and formats that are not here, see `FILTERS`,
 *   `TESTS`, `TEXT_METHODS`;
 * - a template that never ends or fills the memory, see `renderTemplate()`.
 *
 * Dates have English names on every machine, and the time that is given.
 *
 * @returns a function that renders the template, given its variables.
 */
export function compileTemplate(
  source: string,
): (variables: Readonly<Record<string, unknown>>, now: Date) => string {
  const program = parseTemplate(source);
  return (variables, now) => {
    const values = Object.entries(variables)
      .map(([name, value]) => [name, valueOf(value)] as const);
    return renderTemplate(program, new Map([...globalsAt(now), ...values]));
  };
}
