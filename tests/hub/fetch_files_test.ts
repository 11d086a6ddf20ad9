import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { pooled } from "lib/hub/fetch_files.ts";

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

Deno.test("pooled() does every task, as many at once as it may", async () => {
  const done: number[] = [];
  let [running, most] = [0, 0];
  const task = async (item: number) => {
    most = Math.max(most, ++running);
    await tick();
    running--;
    done.push(item);
  };
  await pooled([1, 2, 3, 4, 5, 6, 7], { width: 3, task });
  deepStrictEqual(done.sort(), [1, 2, 3, 4, 5, 6, 7]);
  strictEqual(most, 3);
  await pooled([], { width: 3, task });
});

Deno.test("pooled() stops at the first failure and throws it once all have ended", async () => {
  const seen: string[] = [];
  const task = async (item: number, signal: AbortSignal) => {
    seen.push(`${item} begins`);
    if (item === 1) throw new Error("first");
    while (!signal.aborted) await tick();
    seen.push(`${item} ends`);
  };
  const running = pooled([0, 1, 2], { width: 2, task });
  await rejects(running, { message: "first" });
  deepStrictEqual(seen, ["0 begins", "1 begins", "0 ends"]);
});

Deno.test("pooled() throws the first failure, not the last", async () => {
  const task = async (item: number, signal: AbortSignal) => {
    while (item === 0 && !signal.aborted) await tick();
    throw new Error(`${item} fails`);
  };
  await rejects(pooled([0, 1], { width: 2, task }), { message: "1 fails" });
});
