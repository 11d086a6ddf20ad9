import { isDeepStrictEqual } from "node:util";
import type { Format } from "../formats/format.ts";
import type { PreferenceRow } from "../preference.ts";
import type { Fields, WrittenLayout } from "./layout.ts";

/**
 * The columns of a row in a layout, read again to see that they say the same.
 *
 * @throws Error that names the row and what would be lost.
 */
export function writtenRow(
  row: PreferenceRow,
  { layout, format }: { layout: WrittenLayout; format: Format },
): Fields {
  const adapted = layout.adapt(row);
  const fields = layout.write(adapted);
  const again = format.parse({
    where: row.where,
    fields: JSON.parse(JSON.stringify(fields)),
  });
  const lost = Object.entries(adapted).filter(([name, value]) =>
    !isDeepStrictEqual(
      value,
      Object.entries(again).find(([n]) => n === name)?.[1],
    )
  );
  if (lost.length === 0) return fields;
  throw new Error(
    `Cannot write ${row.where} as ${format.name}: it would change the row's ${
      lost.map(([name]) => name).join(", ")
    }, which has what the layout does not`,
  );
}
