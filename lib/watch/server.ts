import { timingSafeEqual } from "node:crypto";
import plotly from "plotly.js-basic-dist-min" with { type: "text" };
import { PLOT_CONFIG, styleSheet, templated } from "../plot/page.ts";
import { ON_DARK } from "../plot/style.ts";
import watchScript from "./watch_page.js" with { type: "text" };
import watchStyle from "./watch_page.css" with { type: "text" };
import { Watcher } from "./watcher.ts";

/** A page that is served. */
export interface WatchServer {
  /** Its address, with the token that it wants. */
  readonly url: string;
  /** Fulfilled once it has ended. */
  readonly finished: Promise<void>;
}

const HOST = "127.0.0.1";

/** Milliseconds in which files are read once, however many pages ask. */
const FRESH = 500;

/**
 * Serves a page of the runs in some folders to programs of this machine that
 * know its address: a random token in the path keeps others out, and the
 * check of the host keeps pages out whose names are bound to this machine.
 *
 * @param options `port`: 0 for a free one.
 * @throws Error where the port is taken.
 */
export function serveWatch(
  folders: readonly string[],
  { port, signal }: { port: number; signal: AbortSignal },
): WatchServer {
  const token = crypto.randomUUID().replaceAll("-", "");
  const answer = answerOf(new Watcher(folders, FRESH));
  const server = listen({ port, signal }, async (request) => {
    const asked = admitted(request, { token, port: server.addr.port });
    if (typeof asked === "number") return reply(null, { status: asked });
    return await answer(asked);
  });
  const url = `http://${HOST}:${server.addr.port}/${token}/`;
  return { url, finished: server.finished };
}

function listen(
  options: { port: number; signal: AbortSignal },
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    const onListen = () => {};
    return Deno.serve({ ...options, hostname: HOST, onListen, handler });
  } catch (cause) {
    throw new Error(
      `Cannot serve a page at port ${options.port}: expected one that is free`,
      { cause },
    );
  }
}

/** The address that a request asks for below the token, or a status. */
function admitted(
  { method, headers, url }: Request,
  { token, port }: { token: string; port: number },
): URL | number {
  const host = headers.get("host");
  if (![`${HOST}:${port}`, `localhost:${port}`].includes(host ?? "")) {
    return 403;
  }
  const { pathname, search } = new URL(url);
  const [, given = "", ...rest] = pathname.split("/");
  if (!isSame(given, token)) return 403;
  if (method !== "GET") return 405;
  return new URL(`http://${HOST}/${rest.join("/")}${search}`);
}

/** Compares in a time that tells nothing of where two texts differ. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => new TextEncoder().encode(text));
  return a!.length === b!.length && timingSafeEqual(a!, b!);
}

/** Answers requests of those who know the token. */
function answerOf(watcher: Watcher): (asked: URL) => Promise<Response> {
  const routes: Readonly<
    Record<string, (asked: URLSearchParams) => Response | Promise<Response>>
  > = {
    "/": () => reply(SHELL, { type: "text/html" }),
    "/page.css": () => reply(styleSheet(watchStyle), { type: "text/css" }),
    "/page.js": () => reply(watchScript, { type: "text/javascript" }),
    "/plotly.js": () => reply(plotly, { type: "text/javascript" }),
    "/style": () => json({ onDark: ON_DARK, config: PLOT_CONFIG }),
    "/states": async () => json(await watcher.states()),
    "/details": async (asked) => {
      const [id, match] = [asked.get("id") ?? "", asked.get("match") ?? ""];
      const found = await watcher.details(id, match);
      if (!found) return reply(null, { status: 404 });
      return json({ ...found, plots: templated(found.plots) });
    },
  };
  return async ({ pathname, searchParams }) =>
    Object.hasOwn(routes, pathname)
      ? await routes[pathname]!(searchParams)
      : reply(null, { status: 404 });
}

function json(value: unknown): Response {
  return reply(JSON.stringify(value), { type: "application/json" });
}

function reply(
  body: string | null,
  { status = 200, type = "text/plain" }: { status?: number; type?: string },
): Response {
  const headers = { ...HEADERS, "content-type": `${type}; charset=utf-8` };
  return new Response(body, { status, headers });
}

/**
 * Only scripts of this server run, and only it is asked; Plotly sets styles of
 * its elements, which is why these are free.
 */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; connect-src 'self'; " +
    "style-src 'self' 'unsafe-inline'; img-src data: blob:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** The page, which its script fills. */
const SHELL = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Runs</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css">
<script src="plotly.js" defer></script>
<script src="page.js" defer></script>
</head>
<body>
<main>
<div class="controls">
<h1>Runs</h1>
<label>with <input id="filter" type="search" placeholder="text" size="14"> in their names</label>
</div>
<p id="notice" role="status">Looking for runs …</p>
<div id="groups"></div>
</main>
</body>
</html>
`;
