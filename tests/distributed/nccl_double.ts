import { strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { checkout } from "../places.ts";

const SOURCE = checkout("tests/distributed/nccl_double.c");

/** Why no double can be compiled; null if one can. */
export const noCompiler: string | null = await hasCompiler()
  ? null
  : "no gcc here";

/** Compiles a double of NCCL and of CUDA's runtime: the path of one library. */
export async function compileDouble(folder: string): Promise<string> {
  const path = join(folder, "libdouble.so");
  const args = ["-shared", "-fPIC", "-o", path, SOURCE, "-lpthread"];
  const { code, stderr } = await new Deno.Command("gcc", { args }).output();
  strictEqual(code, 0, new TextDecoder().decode(stderr));
  return path;
}

async function hasCompiler(): Promise<boolean> {
  try {
    const command = new Deno.Command("gcc", { args: ["--version"] });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
