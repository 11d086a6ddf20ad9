/** How far one file is that comes or goes, and all that do with it. */
export interface FileProgress {
  readonly path: string;
  /** Bytes that have arrived. */
  readonly bytes: number;
  /** Bytes of the whole file. */
  readonly total: number;
  /** Sums over the files. */
  readonly all: {
    readonly bytes: number;
    readonly total: number;
    readonly files: number;
    /** Files that have arrived whole. */
    readonly whole: number;
  };
}

/** Adds up how far files are that come or go. */
export function tallyOf(
  files: readonly { readonly path: string; readonly size: number }[],
  onFile: (progress: FileProgress) => void = () => {},
) {
  const sizes = new Map(files.map(({ path, size }) => [path, size]));
  const known = new Map(files.map(({ path }) => [path, 0]));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const all = { bytes: 0, total, files: files.length, whole: 0 };
  const here = (path: string, bytes: number) => {
    all.bytes += bytes - known.get(path)!;
    known.set(path, bytes);
    onFile({ path, bytes, total: sizes.get(path)!, all: { ...all } });
  };
  const whole = (path: string) => {
    all.whole++;
    here(path, sizes.get(path)!);
  };
  return { here, whole };
}
