import { integerFault } from "lib/onnx/devices.ts";

const isMissing = await integerFault() !== null;

/** A test that takes a processor whose products of whole numbers are right. */
export function wholeNumberTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: isMissing ? `${name} (no VNNI here)` : name,
    ignore: isMissing,
    fn,
  });
}
