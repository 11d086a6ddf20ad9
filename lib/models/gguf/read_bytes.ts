/**
 * So many bytes of an open file, from a place on.
 *
 * @throws Error where the file ends before.
 */
export function readBytes(
  file: Deno.FsFile,
  length: number,
  { at }: { at: number },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  file.seekSync(at, Deno.SeekMode.Start);
  for (let read = 0; read < length;) {
    const count = file.readSync(bytes.subarray(read));
    if (count === null) throw new Error("the file became shorter");
    read += count;
  }
  return bytes;
}
