import "lib/onnx/no_telemetry.ts";
import * as ort from "onnxruntime-node";

/** Rows of a padded batch: token ids, and which of them are padding. */
export interface PaddedRows {
  readonly ids: readonly (readonly number[])[];
  /** 1 for tokens and 0 for padding, of all slots so far. */
  readonly mask: readonly (readonly number[])[];
}

type Cache = Readonly<Record<string, ort.Tensor>>;

/** Logits by row and slot, and the cache that the next slots need. */
export interface Scored {
  readonly logits: number[][][];
  readonly cache: Cache;
}

const int64 = (rows: readonly (readonly number[])[]) =>
  new ort.Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [
    rows.length,
    rows[0]!.length,
  ]);

/** An exported model in onnxruntime, fed as transformers.js feeds it. */
export class OnnxDecoder implements AsyncDisposable {
  private constructor(readonly session: ort.InferenceSession) {}

  static async load(file: string, device = "cpu"): Promise<OnnxDecoder> {
    const options = { executionProviders: [device] };
    return new OnnxDecoder(await ort.InferenceSession.create(file, options));
  }

  /** @param first the position of each row's first token. */
  async run(
    { ids, mask }: PaddedRows,
    { cache, first = 0 }: { cache?: Cache; first?: number } = {},
  ): Promise<Scored> {
    const positions = mask.map((row) => {
      let next = first;
      const all = row.map((live) => live ? next++ : 1);
      return all.slice(-ids[0]!.length);
    });
    const { logits, ...presents } = await this.session.run({
      "input_ids": int64(ids),
      "attention_mask": int64(mask),
      "position_ids": int64(positions),
      ...cache ?? this.#empty(ids.length),
    });
    const past = Object.entries(presents).map(([name, tensor]) =>
      [name.replace("present", "past_key_values"), tensor] as const
    );
    return { logits: byRow(logits!), cache: Object.fromEntries(past) };
  }

  /** The likeliest `count` tokens after each text, in one padded batch. */
  async continue(
    texts: readonly (readonly number[])[],
    count: number,
  ): Promise<number[][]> {
    const { ids, mask } = leftPadded(texts);
    let rows: PaddedRows = { ids, mask };
    let cache: Cache | undefined;
    const found: number[][] = texts.map(() => []);
    for (let step = 0; step < count; step++) {
      const scored = await this.run(rows, cache && { cache });
      const next = scored.logits.map((row) => likeliest(row.at(-1)!));
      next.forEach((id, row) => found[row]!.push(id));
      cache = scored.cache;
      rows = {
        ids: next.map((id) => [id]),
        mask: rows.mask.map((row) => [...row, 1]),
      };
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.release();
  }

  /** A cache without slots, of the shapes that the model states. */
  #empty(rows: number): Record<string, ort.Tensor> {
    const caches = this.session.inputMetadata.flatMap((input) =>
      input.isTensor && input.name.startsWith("past_key_values") ? [input] : []
    );
    return Object.fromEntries(caches.map(({ name, shape }) => {
      const sizes: Record<string, number> = Object.fromEntries([
        ["batch_size", rows],
        ["past_sequence_length", 0],
      ]);
      const dims = shape.map((dim) =>
        typeof dim === "number" ? dim : sizes[dim]!
      );
      return [name, new ort.Tensor("float32", new Float32Array(0), dims)];
    }));
  }
}

/** Texts that all end at the last slot. */
export function leftPadded(texts: readonly (readonly number[])[]): PaddedRows {
  const length = Math.max(...texts.map((text) => text.length));
  const padded = (
    text: readonly number[],
    padding: number,
    token: number[],
  ) => [...new Array(length - text.length).fill(padding), ...token];
  return {
    ids: texts.map((text) => padded(text, 0, [...text])),
    mask: texts.map((text) => padded(text, 0, text.map(() => 1))),
  };
}

function byRow({ data, dims }: ort.Tensor): number[][][] {
  const [rows, slots, size] = dims as [number, number, number];
  const numbers = Array.from(data as Float32Array);
  return Array.from(
    { length: rows },
    (_, row) =>
      Array.from({ length: slots }, (_, slot) => {
        const at = (row * slots + slot) * size;
        return numbers.slice(at, at + size);
      }),
  );
}

function likeliest(logits: readonly number[]): number {
  return logits.indexOf(Math.max(...logits));
}
