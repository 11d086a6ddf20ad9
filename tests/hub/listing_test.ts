import { deepStrictEqual, rejects } from "node:assert/strict";
import { resolveData } from "lib/hub/resolve.ts";
import { gitHash, sha256 } from "./loopback_files.ts";
import { names, tinyHub } from "./tiny_hub.ts";

const SHA1 = gitHash("{}");
const SHA256 = sha256("{}");
const FILE = { type: "file", path: "a.json", size: 2, oid: SHA1 };

const ODD: Record<string, [entry: Record<string, unknown>, error: RegExp]> = {
  "a path that climbs": [{ path: "a/../../../b.json" }, /Cannot use "a\/\.\./],
  "an absolute path": [{ path: "/etc/a.json" }, /Cannot use "\/etc\/a.json"/],
  "a drive": [{ path: "a/C:b.json" }, /Cannot use "a\/C:b.json" as a path/],
  "a backslash": [{ path: "..\\b.json" }, /Cannot use "..\\\\b.json"/],
  "a command for the terminal": [
    { path: "a\x1b[2J.json" },
    /Cannot use "a\\u001b\[2J.json" as a path in the Hub cache$/,
  ],
  "a hash that is a path": [
    { oid: "../../evil" },
    /"a.json" has the git hash "..\/..\/evil", expected 40 hexadecimal digits$/,
  ],
  "no hash": [{ oid: undefined }, /has the git hash "", expected 40/],
  "a short sha256": [
    { lfs: { oid: SHA1, size: 2 } },
    /"a.json" has the sha256 "\w{40}", expected 64 hexadecimal digits$/,
  ],
  "two sizes": [
    { lfs: { oid: SHA256, size: 3 } },
    /"a.json" has the LFS size 3, expected 2$/,
  ],
  "a negative size": [{ size: -1 }, /"a.json" has the size -1, expected a/],
  "half a byte": [{ size: 0.5 }, /has the size 0.5, expected a whole number/],
  "a size of text": [
    { size: "2" },
    /has the size "2", expected a whole number/,
  ],
};

for (const [name, [entry, error]] of Object.entries(ODD)) {
  Deno.test(`a listing with ${name} is refused before anything is written`, async () => {
    await using t = await tinyHub();
    t.hub.tamper = (asked) =>
      asked.includes("/tree/") ? Response.json([{ ...FILE, ...entry }]) : null;
    await rejects(resolveData("org/pairs", t), (cause: Error) => {
      const start =
        `Cannot read the data set "org/pairs" at "main" from ${t.hub.endpoint}: `;
      return cause.message.startsWith(start) && error.test(cause.message);
    });
    deepStrictEqual(names(t.home), []);
  });
}

/** Answers to the question for a listing that have not its form. */
const GARBLED: Record<string, () => Response> = {
  "no JSON": () =>
    new Response("[{", { headers: { "content-type": "application/json" } }),
  "no list": () => Response.json(null),
  "no entries": () => Response.json([null]),
  "another kind": () => new Response("<html>"),
};

for (const [name, answer] of Object.entries(GARBLED)) {
  Deno.test(`a listing that is ${name} is no answer of a Hub`, async () => {
    await using t = await tinyHub();
    t.hub.tamper = (asked) => asked.includes("/tree/") ? answer() : null;
    await rejects(
      resolveData("org/pairs", t),
      /lacks it, and http:\S+ does not answer as a Hub$/,
    );
  });
}

Deno.test("a listing without end is broken off", async () => {
  await using t = await tinyHub();
  t.hub.tamper = (asked, { url }) =>
    asked.includes("/tree/")
      ? Response.json([], { headers: { link: `<${url}>; rel="next"` } })
      : null;
  await rejects(
    resolveData("org/pairs", t),
    /^Error: Cannot read the data set .*: it has more than 2000 pages$/,
  );
});

Deno.test("a listing of too many files is broken off", async () => {
  await using t = await tinyHub();
  const page = Array.from({ length: 40_000 }, () => FILE);
  const body = JSON.stringify(page);
  t.hub.tamper = (asked, { url }) =>
    asked.includes("/tree/")
      ? new Response(body, {
        headers: {
          link: `<${url}>; rel="next"`,
          "content-type": "application/json",
        },
      })
      : null;
  await rejects(resolveData("org/pairs", t), /it has more than 200000 files$/);
});

Deno.test("an answer without end is broken off", async () => {
  await using t = await tinyHub();
  let asked = 0;
  const endless = async function* () {
    for (;;) yield new Uint8Array(100_000).fill(32);
  };
  t.hub.tamper = () => {
    asked++;
    return new Response(ReadableStream.from(endless()), {
      headers: { "content-type": "application/json" },
    });
  };
  await rejects(
    resolveData("org/pairs", t),
    /^Error: Cannot read the data set .*: a response has more than 16000000 bytes$/,
  );
  deepStrictEqual(asked, 1);
});
