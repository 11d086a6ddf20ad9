import { match, strictEqual } from "node:assert/strict";
import { temporaryFolder } from "../temporary_folder.ts";
import { spawnScript } from "./run_script.ts";

for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`watch serves its page until ${signal}`, async () => {
    using t = temporaryFolder();
    const child = spawnScript("watch", ["runs"], { cwd: t.path });
    const out = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: line = "" } = await out.read();
    match(
      line,
      /^Watching runs at http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/\n$/,
    );
    const [url = ""] = line.match(/http\S+/) ?? [];
    // The connection stays open, as that of a browser does.
    const response = await fetch(`${url}states`);
    strictEqual(await response.text(), "[]");
    child.kill(signal);
    const { code } = await child.status;
    strictEqual(code, status);
    await out.cancel();
    strictEqual(await new Response(child.stderr).text(), "");
  });
}
