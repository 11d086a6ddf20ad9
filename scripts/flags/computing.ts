const UNITS = ["B", "KB", "MB", "GB", "TB"];

/**
 * A number of bytes as people write it: `5GB`, `500 MB`, in powers of 1000.
 *
 * @throws RangeError for another text, which names the flag it came from.
 */
export function byteCount(text: string, flag: string): number {
  const [, digits, unit = "B"] =
    text.match(/^(\d+(?:\.\d+)?) ?([KMGT]?B)?$/i) ?? [];
  const bytes = Number(digits) * 1000 ** UNITS.indexOf(unit.toUpperCase());
  if (bytes >= 1) return bytes;
  throw new RangeError(
    `Cannot read --${flag} "${text}": expected a size such as 5GB or 500MB`,
  );
}
