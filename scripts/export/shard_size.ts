import { parsed } from "lib/cli/flag.ts";

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** `--shard-size`: bytes as people write them, `5GB` or `500 MB`, in powers of 1000. */
export const SHARD_SIZE = parsed({
  help: "largest file of weights; if absent 5GB",
  placeholder: "SIZE",
  expected: "a size such as 5GB or 500MB",
  default: 5e9, // as transformers has it
  parse: (text) => {
    const [, digits, unit = "B"] =
      text.match(/^(\d+(?:\.\d+)?) ?([KMGT]?B)?$/i) ?? [];
    return Number(digits) * 1000 ** UNITS.indexOf(unit.toUpperCase());
  },
  is: (value): value is number => typeof value === "number" && value >= 1,
});
