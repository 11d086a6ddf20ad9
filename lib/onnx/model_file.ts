import { OrtSession } from "./ffi/ort_session.ts";
import { OrtValue } from "./ffi/ort_value.ts";
import { CStrings } from "./ffi/strings.ts";

/** A model in an .onnx file that others made. */
export interface ModelFile {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Runs it on one row of whole numbers for each input.
   *
   * @returns the output of this name.
   * @throws TypeError where that is not of float32.
   */
  run(
    feeds: Readonly<Record<string, readonly number[]>>,
    output: string,
  ): Promise<
    { readonly data: Float32Array; readonly shape: readonly number[] }
  >;
  /** Frees its memory. */
  release(): Promise<void>;
}

/** Opens a model file, to run it on CPU. */
export function openModelFile(
  path: string,
  { threads = 1 }: { threads?: number } = {},
): ModelFile {
  const session = OrtSession.create(path, {
    ...{ device: "cpu", threads, optimization: "all", profile: null },
    config: {},
  });
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    run: async (feeds, output) => {
      using values = new DisposableStack();
      const inputs = Object.values(feeds).map((row) => {
        const data = BigInt64Array.from(row, BigInt);
        return values.use(OrtValue.over({ data, shape: [1, row.length] }));
      });
      const outputs = new BigUint64Array(1);
      await session.run({
        inputs: new CStrings(Object.keys(feeds)),
        outputs: new CStrings([output]),
      }, {
        inputs: BigUint64Array.from(inputs, ({ address }) => address),
        outputs,
      });
      const { data, shape } = values.use(new OrtValue(outputs[0]!)).read();
      if (data instanceof Float32Array) return { data, shape };
      throw new TypeError(
        `Cannot read the output "${output}": it is not of float32`,
      );
    },
    release: () => Promise.resolve(session.release()),
  };
}
