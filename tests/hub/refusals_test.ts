import { deepStrictEqual, match, rejects } from "node:assert/strict";
import { resolveData, resolveModel } from "lib/hub/resolve.ts";
import { refuse } from "./loopback_hub.ts";
import { COMMIT, names, tinyHub } from "./tiny_hub.ts";

/** A refusal of the Hub, and its message after repository, status and reason. */
interface Refusal {
  readonly status: number;
  readonly code?: string;
  readonly said?: string;
  readonly token?: string;
  readonly words: RegExp;
}

const REFUSALS: Record<string, Refusal> = {
  "a gated repository, without a token": {
    status: 401,
    code: "GatedRepo",
    words:
      /HTTP 401 GatedRepo from http:.*; it is gated: accept its terms on (http:\S+)\/org\/tiny and set HF_TOKEN to a token of that account$/,
  },
  "a gated repository, with a token": {
    status: 403,
    code: "GatedRepo",
    token: "t",
    words:
      /HTTP 403 GatedRepo .* gated: accept its terms on \S+\/org\/tiny with the account of your token, and wait if its owner has to agree$/,
  },
  "a private or missing repository, without a token": {
    status: 401,
    words:
      /HTTP 401 from \S+; it is not a local path, and on the Hub it is missing or private: check the name, or set HF_TOKEN to a token that may read it$/,
  },
  "a private or missing repository, with a token": {
    status: 404,
    code: "RepoNotFound",
    token: "t",
    words:
      /HTTP 404 RepoNotFound from \S+; .* missing or private: the token of HF_TOKEN or its file may not read it$/,
  },
  "a token that is no longer valid": {
    status: 401,
    said: "Invalid credentials in Authorization header",
    token: "t",
    words:
      /HTTP 401 from \S+; the token of HF_TOKEN or its file is not valid: \S+\/settings\/tokens has those that are$/,
  },
  "something else": { status: 418, words: /HTTP 418 from \S+$/ },
};

const PLACES = {
  "when asked for the commit": "/api/models/org/tiny/revision/main",
  "when asked for the listing": `/api/models/org/tiny/tree/${COMMIT}`,
  "when asked for a file": `/org/tiny/resolve/${COMMIT}/config.json`,
};

for (const [name, refusal] of Object.entries(REFUSALS)) {
  const { status, code = "", said, token = "", words } = refusal;
  Deno.test(`${name} is told at once, wherever it shows`, async () => {
    for (const place of Object.values(PLACES)) {
      await using t = await tinyHub({ HF_TOKEN: token });
      const headers = said === undefined ? {} : { "x-error-message": said };
      t.hub.tamper = (path) =>
        path === place ? refuse(status, code, headers) : null;
      await rejects(resolveModel("org/tiny", t), (error: Error) => {
        match(
          error.message,
          /^Cannot (read|pull "config.json" of) the model "org\/tiny" at "main": HTTP /,
        );
        match(error.message, words);
        return true;
      });
      deepStrictEqual(t.waits, []);
    }
  });
}

Deno.test("a file that is listed but missing is named", async () => {
  await using t = await tinyHub();
  const place = `/org/tiny/resolve/${COMMIT}/config.json`;
  t.hub.tamper = (path) => path === place ? refuse(404, "EntryNotFound") : null;
  await rejects(
    resolveModel("org/tiny", t),
    /^Error: Cannot pull "config.json" of the model "org\/tiny" at "main": HTTP 404 EntryNotFound from \S+; the repository lists this file, but does not have it$/,
  );
});

Deno.test("a gated data set has its page among the data sets", async () => {
  await using t = await tinyHub();
  t.hub.tamper = () => refuse(401, "GatedRepo");
  await rejects(
    resolveData("org/pairs", t),
    /^Error: Cannot read the data set "org\/pairs" at "main": .* terms on \S+\/datasets\/org\/pairs and/,
  );
});

for (const id of ["org/tiny@v9", `org/tiny@${"f".repeat(40)}`]) {
  Deno.test(`the revision of ${id} is named as missing`, async () => {
    await using t = await tinyHub();
    await rejects(
      resolveModel(id, t),
      /^Error: Cannot find the revision "\w+" of org\/tiny on http:\S+: expected a branch, a tag or a commit$/,
    );
    deepStrictEqual(names(t.home), []);
  });
}
