import { camel, type Flags, kebab } from "./flag.ts";
import { meant } from "./nearest.ts";
import type { SettingsFile } from "./settings_file.ts";
import type { Verb } from "./verb.ts";

/** A value as it was given: on the command line, or in a file. */
export type GivenValue =
  | { readonly text: string }
  | { readonly json: unknown; readonly path: string };

/**
 * Values by name of flag, from the command line and from a file. The command
 * line comes first, where both contradict each other as well.
 *
 * @param texts of the command line, by kebab-case name.
 * @throws {Error} on a name in the file that is no flag, and on flags of one
 * source that contradict each other.
 */
export function givenValues(
  verb: Verb,
  texts: ReadonlyMap<string, string>,
  file: SettingsFile | null,
): ReadonlyMap<string, GivenValue> {
  const given = new Map(file ? valuesIn(file, verb) : []);
  for (const name of Object.keys(verb.flags)) {
    const text = texts.get(kebab(name));
    if (text !== undefined) given.set(name, { text });
  }
  settleContradictions(verb.flags, given);
  return given;
}

function settleContradictions(
  flags: Flags,
  given: Map<string, GivenValue>,
): void {
  for (const [name, { excludes }] of Object.entries(flags)) {
    for (const other of excludes?.flags ?? []) {
      const [one, two] = [given.get(name), given.get(other)];
      if (!one || !two) continue;
      if (isOfFile(one) === isOfFile(two)) {
        const reason = excludes?.because ? `, ${excludes.because}` : "";
        throw new Error(
          `Cannot use ${called(other, two)} with ${called(name, one)}${reason}`,
        );
      }
      given.delete(isOfFile(one) ? name : other);
    }
  }
}

function isOfFile(given: GivenValue): boolean {
  return "path" in given;
}

/** The values in a file, which are all of flags; a toggle that is off is none. */
function valuesIn(
  { path, values }: SettingsFile,
  { flags, elsewhere }: Verb,
): [name: string, GivenValue][] {
  const given = Object.entries(values).filter(([, json]) => json !== undefined);
  const other = given.find(([name]) => !Object.hasOwn(flags, name));
  if (other) {
    const known = Object.keys(flags).map(kebab);
    const { advice, near } = meant(kebab(other[0]), known, elsewhere);
    const hint = near === undefined ? "" : `did you mean ${camel(near)}? `;
    throw new Error(
      `Unknown setting ${other[0]} in ${path}: ${
        advice ??
          `${hint}names are those of flags, as maxLength of --max-length`
      }`,
    );
  }
  return given
    .filter(([name, json]) => json !== false || flags[name]!.kind !== "toggle")
    .map(([name, json]) => [name, { json, path }]);
}

function called(name: string, given: GivenValue): string {
  return "path" in given ? `${name} of ${given.path}` : `--${kebab(name)}`;
}
