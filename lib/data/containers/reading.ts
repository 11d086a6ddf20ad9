/** What a container is told of the file that it is to read. */
export interface Reading {
  /** The file's name in messages. */
  readonly path: string;
  /** Most bytes of one row. */
  readonly maxRowBytes: number;
  /** Most bytes that a bomb may unpack to; see `Unpacking`. */
  readonly maxBombBytes: number;
  /**
   * Takes the error of a row that can be left out because it is clear where
   * the next one begins: throws it, or notes it and returns.
   */
  readonly refuse: (error: Error) => void;
}

/**
 * The error of a place in a file. What it quotes from there is made legible:
 * no control code may reach a terminal.
 */
export function unreadable(
  where: string,
  what: string,
  cause?: unknown,
): Error {
  const legible = what.replace(
    /\p{Cc}/gu,
    (code) => `\\u${code.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new Error(`Cannot read ${where}: ${legible}`, { cause });
}

/** The error of a row that is too long to be one. */
export function tooLong(where: string, maxRowBytes: number): Error {
  return unreadable(
    where,
    `expected at most ${maxRowBytes} bytes a row, found more`,
  );
}

/** Whether JSON takes a byte for white space. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of bytes.
 *
 * @throws if they are not UTF-8: nothing is replaced.
 */
export function decode(bytes: Uint8Array, where: string): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw unreadable(where, "expected UTF-8, found other bytes", cause);
  }
}
