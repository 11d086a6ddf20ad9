/** What a conversion to GGUF did to a tensor's elements, to be undone. */
export interface Arrangement {
  /** How rows lie. Elements of a bias are rows. */
  readonly order?: RowOrder;
  /** Whether rows are columns. */
  readonly isTransposed?: boolean;
  /** What was added to each element. */
  readonly added?: number;
}

/** Where rows lie in GGUF. */
export interface RowOrder {
  /** Projections of a head that are in the tensor. */
  readonly projections: 1 | 3;
  /** For each row that is wanted the stored one. */
  readonly storedRow: (row: number, sizes: RowSizes) => number;
}

export interface RowSizes {
  readonly rows: number;
  /** Rows of a head. */
  readonly headDim: number;
}

/**
 * Rotary pairs lie side by side in GGUF's llama, in two halves of a head here.
 * (`permute` of llama.cpp's `convert_hf_to_gguf.py`.)
 */
export const ROTARY_HALVES: Arrangement = {
  order: {
    projections: 1,
    storedRow: (row, { headDim }) => {
      const inHead = row % headDim;
      const half = headDim / 2;
      return row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
    },
  },
};

/** Queries, keys and values of each head lie together here, apart in GGUF. */
export const FUSED_BY_HEAD: Arrangement = {
  order: {
    projections: 3,
    storedRow: (row, { rows, headDim }) => {
      const head = Math.floor(row / (3 * headDim));
      const part = Math.floor(row / headDim) % 3;
      return part * rows / 3 + head * headDim + row % headDim;
    },
  },
};

/** GPT-2's layers are stored as [inputs, outputs]. */
export const TRANSPOSED: Arrangement = { isTransposed: true };

/** Gemma scales by 1 + weight, GGUF stores the sum. */
export const ONE_ADDED: Arrangement = { added: 1 };
