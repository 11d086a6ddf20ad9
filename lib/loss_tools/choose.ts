import { dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkLoss } from "./check.ts";
import { combine } from "../losses/combine.ts";
import type { Loss, PlainLoss, WeightedLoss } from "../losses/loss.ts";
import { resolveOptions } from "../losses/options.ts";
import { findLoss, isLoss, LOSSES } from "../losses/registry.ts";
import { CHECKOUT } from "../record/environment.ts";
import { portablePath } from "../record/record.ts";
import { sha256 } from "../record/sha256.ts";
import { orNull } from "../files/missing.ts";
import { reasonOf } from "../files/values.ts";

/** A loss by what a user calls it. */
export interface ChosenLoss {
  /** The loss itself. */
  readonly loss: Loss;
  /** The same call without folders of this machine, as records have it. */
  readonly name: string;
  /**
   * SHA-256 of each file of code it comes from, those that a file imports by a
   * path among them; none for known losses.
   */
  readonly code: readonly string[];
}

/**
 * The loss that a text names: `dpo`, a file such as `./my_loss.ts`, or a
 * weighted sum such as `dpo+0.2*sft`. Code is only read from files of this
 * machine, and checked by finite differences before it is used.
 *
 * @throws Error that names the wrong part of the text, or lists the losses.
 */
export async function chooseLoss(text: string): Promise<ChosenLoss> {
  const parts: Part[] = [];
  for (const part of text.split("+")) parts.push(await readPart(part));
  const sumOf = (name: (part: Part) => string) =>
    parts.map((part) =>
      part.weight === 1 ? name(part) : `${part.weight}*${name(part)}`
    ).join("+");
  const isSum = parts.length > 1 || parts[0]!.weight !== 1;
  return {
    loss: isSum ? combine(sumOf(({ loss }) => loss.id), parts) : parts[0]!.loss,
    name: sumOf(({ name }) => name),
    code: parts.flatMap(({ code }) => code),
  };
}

/** One loss of a sum, as it was called. */
interface Part extends WeightedLoss, Omit<ChosenLoss, "loss"> {}

/** `0.2*sft`, or a loss alone, which weighs 1. */
async function readPart(text: string): Promise<Part> {
  const [, factor, name] = text.trim().match(/^(?:([^*]*)\*)?(.*)$/s)!;
  const weight = factor === undefined ? 1 : Number(factor);
  if (!(weight > 0 && Number.isFinite(weight)) || factor?.trim() === "") {
    throw new RangeError(
      `Cannot use "${text.trim()}" as a loss: expected a weight above 0 before "*", found "${factor}"`,
    );
  }
  const found = name!.trim();
  if (/^[a-z-]+(,[a-z-]+)+$/.test(found)) {
    throw new RangeError(
      `Cannot use "${found}" as a loss: expected one, or a sum such as dpo+0.2*sft; deno task compare takes several`,
    );
  }
  if (extname(found) === "") {
    return { loss: findLoss(found), weight, name: found, code: [] };
  }
  const { loss, code } = await loadLoss(found);
  return { loss, weight, name: portablePath(found), code };
}

/** The loss that a file exports. */
async function loadLoss(
  path: string,
): Promise<{ loss: PlainLoss; code: string[] }> {
  const failed = (why: string, options?: ErrorOptions) =>
    new Error(`Cannot use ${path} as a loss: ${why}`, options);
  try {
    const file = resolve(path);
    const code = await codeOf(file);
    const exported: object = await import(pathToFileURL(file).href);
    const [loss, other] = Object.values(exported).filter(isLoss);
    if (!loss || other) {
      throw new TypeError(
        `expected one export made by pairLoss(), labelLoss(), completionLoss() or rankLoss(), found ${
          loss ? "several" : "none"
        }`,
      );
    }
    checkDeclaration(loss);
    await checkLoss(loss);
    return { loss, code };
  } catch (cause) {
    throw failed(reasonOf(cause), {
      cause,
    });
  }
}

/** A file that code imports by a path. */
const IMPORTED = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g;

/**
 * SHA-256 of a file and of those that it imports by a path, from the file on;
 * this project's own are known by its commit.
 */
async function codeOf(file: string): Promise<string[]> {
  const hashes = new Map([[file, sha256(await Deno.readTextFile(file))]]);
  const isOwn = (path: string) =>
    CHECKOUT !== null && path.startsWith(join(CHECKOUT, "lib/"));
  for (const path of hashes.keys()) { // which grow on the way
    const text = await Deno.readTextFile(path);
    for (const [, name] of text.matchAll(IMPORTED)) {
      const next = join(dirname(path), name!);
      // A comment may name what there is not.
      const found = isOwn(next) ? null : await orNull(Deno.readTextFile(next));
      if (found !== null) hashes.set(next, sha256(found));
    }
  }
  return [...hashes.values()];
}

/** Checks what the compiler would check in a file of this project. */
function checkDeclaration(loss: PlainLoss): void {
  for (const name of ["id", "title", "formula", "source"] as const) {
    if (typeof loss[name] === "string" && loss[name] !== "") continue;
    throw new TypeError(`expected a text for "${name}", found ${loss[name]}`);
  }
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(loss.id)) {
    throw new TypeError(
      `expected an "id" of lower-case words joined by hyphens, found "${loss.id}"`,
    );
  }
  if (LOSSES.some(({ id }) => id === loss.id)) {
    throw new TypeError(`expected an "id" of its own, "${loss.id}" is taken`);
  }
  for (const [name, { kind, help }] of Object.entries(loss.options)) {
    if (!["number", "choice", "toggle"].includes(kind) || !help) {
      throw new TypeError(
        `expected option "${name}" to have a kind (number, choice or toggle) and help`,
      );
    }
  }
  resolveOptions(loss);
}
