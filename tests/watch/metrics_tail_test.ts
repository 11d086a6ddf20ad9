import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { MetricsTail } from "lib/watch/metrics_tail.ts";
import { temporaryFolder } from "../temporary_folder.ts";

function scene() {
  const folder = temporaryFolder();
  const path = join(folder.path, "metrics.jsonl");
  const tail = new MetricsTail(path);
  const write = (text: string) => Deno.writeTextFileSync(path, text);
  const append = (text: string) =>
    Deno.writeTextFileSync(path, text, { append: true });
  const steps = () => tail.rows.map(({ step }) => step);
  const dispose = () => folder[Symbol.dispose]();
  return { path, tail, write, append, steps, [Symbol.dispose]: dispose };
}

const line = (step: number, loss = 0.5) =>
  `${JSON.stringify({ step, loss })}\n`;

Deno.test("a tail takes in complete lines, each once", async () => {
  using t = scene();
  ok(!await t.tail.read(), "there is no file yet");
  t.write(line(1) + line(2).slice(0, 9));
  ok(await t.tail.read());
  deepStrictEqual(t.steps(), [1]);
  ok(!await t.tail.read());
  t.append(line(2).slice(9) + line(3));
  ok(await t.tail.read());
  deepStrictEqual(t.steps(), [1, 2, 3]);
  deepStrictEqual(t.tail.rows[1], { step: 2, loss: 0.5 });
});

Deno.test("a tail leaves out lines that are no rows", async () => {
  using t = scene();
  t.write(`${line(1)}\n{"step": "x"}\n[2]\n\u00ff{\n${line(3)}`);
  ok(await t.tail.read());
  deepStrictEqual(t.steps(), [1, 3]);
});

Deno.test("a tail begins anew where a run that resumes cut its file", async () => {
  using t = scene();
  t.write(line(1) + line(2) + line(3));
  await t.tail.read();
  t.write(line(1));
  ok(await t.tail.read());
  deepStrictEqual(t.steps(), [1]);
  t.append(line(2) + line(3));
  await t.tail.read();
  // Cut, and longer again before anybody looked.
  t.write(line(1) + line(2, 0.25) + line(3, 0.125) + line(4));
  ok(await t.tail.read());
  deepStrictEqual(t.tail.rows.map(({ loss }) => loss), [0.5, 0.25, 0.125, 0.5]);
  Deno.removeSync(t.path);
  ok(await t.tail.read());
  deepStrictEqual(t.steps(), []);
});

Deno.test("a tail reads what is new alone, however long the file is", async () => {
  using t = scene();
  const count = 20_000;
  t.write(Array.from({ length: count }, (_, i) => line(i)).join(""));
  await t.tail.read();
  const { rows } = t.tail;
  t.append(line(count));
  await t.tail.read();
  strictEqual(t.tail.rows, rows, "earlier rows stay in their place");
  strictEqual(rows.length, count + 1);
  strictEqual(rows.at(-1)!.step, count);
});
