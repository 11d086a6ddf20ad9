/** How much of one file, and of all files with it, has been transferred. */
export interface FileProgress {
  /** Path in the repository. */
  readonly path: string;
  /** Bytes transferred so far. */
  readonly bytes: number;
  /** Bytes of the whole file. */
  readonly total: number;
  /** Sums over the files. */
  readonly all: {
    readonly bytes: number;
    readonly total: number;
    readonly files: number;
    /** Files transferred whole. */
    readonly whole: number;
  };
}

/** Adds up the progress of files; `onFile` is called at each change. */
export function fileTally(
  files: readonly { readonly path: string; readonly size: number }[],
  onFile: (progress: FileProgress) => void = () => {},
) {
  const sizes = new Map(files.map(({ path, size }) => [path, size]));
  const known = new Map(files.map(({ path }) => [path, 0]));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const all = { bytes: 0, total, files: files.length, whole: 0 };
  const update = (path: string, bytes: number) => {
    all.bytes += bytes - known.get(path)!;
    known.set(path, bytes);
    onFile({ path, bytes, total: sizes.get(path)!, all: { ...all } });
  };
  const finish = (path: string) => {
    all.whole++;
    update(path, sizes.get(path)!);
  };
  return { update, finish };
}
