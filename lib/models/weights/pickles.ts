/** Files that are Python programs: to read them is to run them. */
const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/;

/**
 * What to say of a folder where weights are missed: whether it has a pickle,
 * why that is not read, and what to do. Empty where it has none.
 */
export async function pickleNote(folder: string): Promise<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
  const pickle = entries.find(({ name }) => PICKLE.test(name));
  if (!pickle) return "";
  return `; ${pickle.name} is a pickle, which runs code when it is read: ` +
    `where you trust it, load it in Python and save it as safetensors`;
}
