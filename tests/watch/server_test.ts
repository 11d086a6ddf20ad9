import {
  deepStrictEqual,
  doesNotMatch,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import { join } from "node:path";
import { serveWatch } from "lib/watch/server.ts";
import { runBrowser } from "lib/plot/browser.ts";
import { temporaryFolder } from "../temporary_folder.ts";

/** Names that would run as a script wherever they became HTML. */
const HOSTILE = [
  `<script>document.body.dataset.hit="script"<\u2044script>`,
  `"><img src=x onerror="document.body.dataset.hit='image'">`,
];

/** A page of two runs whose names, measures and texts are hostile. */
async function scene() {
  const folder = temporaryFolder();
  for (const [i, name] of HOSTILE.entries()) {
    const run = join(folder.path, "out", name);
    await Deno.mkdir(run, { recursive: true });
    const row = { step: i + 1, loss: 0.5, [name]: 1 };
    const path = join(run, "metrics.jsonl");
    await Deno.writeTextFile(path, `${JSON.stringify(row)}\n`);
  }
  const stop = new AbortController();
  const { url, finished } = serveWatch([join(folder.path, "out")], {
    ...{ port: 0, signal: stop.signal },
  });
  return {
    ...{ url, path: folder.path },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await finished;
      folder[Symbol.dispose]();
    },
  };
}

async function status(url: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, init);
  await response.body?.cancel();
  return response.status;
}

/** Asks as a page would whose name was bound to this machine. */
async function statusForHost(url: string, host: string): Promise<string> {
  const { hostname, port, pathname } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const request =
    `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const bytes = new Uint8Array(1024);
  const count = await connection.read(bytes);
  return new TextDecoder().decode(bytes.subarray(0, count ?? 0)).slice(9, 12);
}

Deno.test("the page wants its token, a known host, GET, and a page that there is", async () => {
  await using t = await scene();
  const { origin, port } = new URL(t.url);
  strictEqual(await status(t.url), 200);
  const other = t.url.replace(
    /[0-9a-f]\/$/,
    (end) => end === "0/" ? "1/" : "0/",
  );
  for (const url of [origin, `${origin}/states`, other, `${other}states`]) {
    strictEqual(await status(url), 403, url);
  }
  strictEqual(await status(`${t.url}states`, { method: "POST" }), 405);
  for (const name of ["nothing", "constructor", "../states", "details?id=x"]) {
    strictEqual([403, 404].includes(await status(`${t.url}${name}`)), true);
  }
  strictEqual(await statusForHost(t.url, `127.0.0.1:${port}`), "200");
  strictEqual(await statusForHost(t.url, `localhost:${port}`), "200");
  strictEqual(await statusForHost(t.url, `evil.example:${port}`), "403");
});

Deno.test("a port that is taken is an error", async () => {
  await using t = await scene();
  const port = Number(new URL(t.url).port);
  const { signal } = new AbortController();
  throws(() => serveWatch([], { port, signal }), {
    message: `Cannot serve a page at port ${port}: expected one that is free`,
  });
});

Deno.test("every answer forbids scripts that are not the server's, and says its kind", async () => {
  await using t = await scene();
  const kinds = { "": "html", "page.js": "javascript", states: "json" };
  for (const [name, kind] of Object.entries(kinds)) {
    const response = await fetch(`${t.url}${name}`);
    const policy = response.headers.get("content-security-policy")!;
    match(
      policy,
      /^default-src 'none'; script-src 'self'; connect-src 'self';/,
    );
    doesNotMatch(policy, /script-src[^;]*unsafe/);
    match(response.headers.get("content-type")!, new RegExp(`/${kind};`));
    strictEqual(response.headers.get("x-content-type-options"), "nosniff");
    const text = await response.text();
    if (kind !== "json") doesNotMatch(text, /onerror|hit=/);
  }
});

Deno.test("hostile names of runs and measures are text on the page", async () => {
  await using t = await scene();
  const get = async (name: string) => await (await fetch(t.url + name)).text();
  const states: { id: string }[] = JSON.parse(await get("states"));
  deepStrictEqual(states.length, 2);
  const ids = states.map(({ id }) => id);
  const details = await Promise.all(
    ids.map((id) => get(`details?${new URLSearchParams({ id, match: "" })}`)),
  );
  const answers = {
    states: JSON.stringify(states),
    style: await get("style"),
    ...Object.fromEntries(ids.map((id, i) => [id, details[i]!])),
  };
  // The same page without its policy, and with the same answers.
  const stub = `const answers = ${
    JSON.stringify(answers).replaceAll("<", "\\u003c")
  };
window.fetch = async (what) => new Response(
  answers[what.startsWith("details") ? new URLSearchParams(what.slice(8)).get("id") : what]);
addEventListener("load", () => setTimeout(() => {
  for (const box of document.querySelectorAll("details")) box.open = true;
}, 100));`;
  const shell = (await get("")).replace(
    /<(script|link)[^]*?(<\/script>|>)/g,
    "",
  );
  const page = join(t.path, "page.html");
  const scripts = [await get("plotly.js"), stub, await get("page.js")];
  await Deno.writeTextFile(
    page,
    shell + scripts.map((code) => `<script>${code}</script>`).join("\n"),
  );
  const html = await runBrowser(page, {
    folder: t.path,
    flags: ["--dump-dom"],
  });
  const [body = ""] = html.match(/<body[^]*?<script/) ?? [];
  doesNotMatch(body, /data-hit|<img/);
  match(body, /<strong>[^<]*&lt;script&gt;document/);
  match(body, /<h2>"&gt;&lt;img src=x onerror/);
  strictEqual(body.match(/class="main-svg"/g)!.length >= 4, true);
});
