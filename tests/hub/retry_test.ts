import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { retrying, Transient } from "lib/hub/retry.ts";

/** Fails some times before it succeeds. */
function failing(times: number, error = () => new Transient("busy")) {
  let calls = 0;
  const attempt = () =>
    ++calls > times ? Promise.resolve(calls) : Promise.reject(error());
  const waits: number[] = [];
  const sleep = (milliseconds: number) => {
    waits.push(milliseconds);
    return Promise.resolve();
  };
  return { attempt, waits, sleep };
}

Deno.test("retrying() waits twice as long each time, less up to half at random", async () => {
  const runs = await Promise.all(Array.from({ length: 50 }, async () => {
    const { attempt, waits, sleep } = failing(6);
    strictEqual(await retrying(attempt, { sleep, tries: 7 }), 7);
    return waits;
  }));
  const most = [1000, 2000, 4000, 8000, 8000, 8000];
  for (const [i, limit] of most.entries()) {
    const column = runs.map((waits) => waits[i]!);
    ok(column.every((pause) => pause >= limit / 2 && pause <= limit));
    ok(Math.max(...column) - Math.min(...column) > limit / 10);
  }
});

Deno.test("retrying() gives up after five tries, and says so", async () => {
  const { attempt, waits, sleep } = failing(9);
  await rejects(retrying(attempt, { sleep }), {
    message: "busy, 5 times in a row",
  });
  strictEqual(waits.length, 4);
});

Deno.test("retrying() counts anew where an attempt got on", async () => {
  const { attempt, waits, sleep } = failing(20);
  let bytes = 0;
  const progress = () => bytes++;
  strictEqual(await retrying(attempt, { sleep, progress }), 21);
  ok(waits.every((pause) => pause <= 1000));
});

Deno.test("retrying() does not repeat an error that will not pass", async () => {
  const { attempt, waits, sleep } = failing(1, () => new Transient("x"));
  const refused = () => Promise.reject(new Error("no"));
  await rejects(retrying(refused, { sleep }), { message: "no" });
  await rejects(retrying(attempt, { sleep, tries: 1 }), { message: "x" });
  const signal = AbortSignal.abort();
  await rejects(retrying(failing(1).attempt, { sleep, signal }));
  deepStrictEqual(waits, []);
});

Deno.test("retrying() waits as long as it is asked to", async () => {
  const after = 120_000;
  const { attempt, waits, sleep } = failing(
    1,
    () => new Transient("busy", { after }),
  );
  const told: string[] = [];
  await retrying(attempt, { sleep, onWait: (text) => told.push(text) });
  ok(waits[0]! >= after && waits[0]! <= after + 1000);
  deepStrictEqual(told.map((text) => text.replace(/\d+/, "n")), [
    "busy; next try in n s",
  ]);
});
