import { rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { lock } from "lib/hub/blob.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const sleep = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

Deno.test("a lock is held by one at a time", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "models--a--b", "hash.lock");
  const order: string[] = [];
  const first = await lock(path, { sleep });
  let waited = 0;
  const onHeld = () => {
    if (++waited === 3) {
      order.push("first lets go");
      first[Symbol.dispose]();
    }
  };
  using _second = await lock(path, { sleep, onHeld });
  order.push("second has it");
  strictEqual(order.join(), "first lets go,second has it");
  strictEqual(waited, 3);
});

Deno.test({
  name: "a lock file that its holder has removed is not taken",
  // Where a file that is gone can still be opened.
  ignore: Deno.build.os !== "linux",
  async fn() {
    using folder = temporaryFolder();
    const path = join(folder.path, "hash.lock");
    using _gone = await Deno.open(path, { write: true, create: true });
    await Deno.remove(path);
    const descriptors = [...Deno.readDirSync("/proc/self/fd")]
      .map(({ name }) => `/proc/self/fd/${name}`);
    const left = descriptors.find((link) => {
      try {
        return Deno.readLinkSync(link) === `${path} (deleted)`;
      } catch {
        return false; // the one that the listing itself had
      }
    });
    const stop = () => Promise.reject(new Error("waits"));
    await rejects(lock(left!, { sleep: stop }), { message: "waits" });
  },
});
