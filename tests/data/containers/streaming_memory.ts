import { say } from "lib/cli/terminal.ts";
import { streamRows } from "lib/data/containers/read_rows.ts";

/** Prints how many rows a file has, and the memory that reading them takes. */
const { rss: before } = Deno.memoryUsage();
let rows = 0;
let peak = before;
for await (const _ of streamRows(Deno.args[0]!)) {
  if (++rows % 1000 === 0) peak = Math.max(peak, Deno.memoryUsage().rss);
}
say(JSON.stringify({ rows, taken: peak - before }));
