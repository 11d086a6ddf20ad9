import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { runBrowser } from "lib/plot/browser.ts";
import type { FigureFinding } from "lib/plot/figure.ts";
import { type IndexEntry, indexHtml } from "lib/plot/index_page.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const HOSTILE = `</script><script>alert("1")</script><img onerror=x>`;

const FINDING: FigureFinding = {
  ...{ claim: HOSTILE, source: "Paper, table 1", url: "https://a.example" },
  ...{ reported: HOSTILE, found: "0.5 nats", verdict: "shown", why: HOSTILE },
};

const ENTRY: IndexEntry = {
  ...{ page: `a "b"/<c>.html`, title: HOSTILE, folder: HOSTILE },
  ...{ date: "2026-01-31", model: HOSTILE, data: HOSTILE.repeat(3), runs: 1 },
  findings: [FINDING, { ...FINDING, verdict: "not shown" }, FINDING],
};

const PAGE = indexHtml([ENTRY, { ...ENTRY, runs: 2, findings: [] }]);

Deno.test("indexHtml() escapes every text and has no script", () => {
  doesNotMatch(PAGE, /<script|<img/);
  match(PAGE, /href="a%20%22b%22\/%3Cc%3E\.html"/);
});

Deno.test("indexHtml() counts the verdicts", () => {
  match(
    PAGE,
    /<td><span class="verdict shown">2 shown<\/span>\n<span class="verdict not-shown">1 not shown<\/span><\/td>/,
  );
  match(PAGE, /no claims/);
});

Deno.test("indexHtml() lists each claim with the paper's number, ours and the page", () => {
  const rows = PAGE.split("Claims and verdicts")[1]!.match(
    /<tr><th scope="row">/g,
  );
  strictEqual(rows?.length, 3);
  match(
    PAGE,
    /Paper, table 1<\/a><\/small><small><a href="a%20%22b%22\/%3Cc%3E\.html">/,
  );
  match(PAGE, /<td>0\.5 nats<\/td>/);
  doesNotMatch(indexHtml([{ ...ENTRY, findings: [] }]), /Claims and verdicts/);
});

Deno.test("indexHtml() is no wider than a phone", async () => {
  using folder = temporaryFolder();
  const page = join(folder.path, "page.html");
  const frame = `<iframe id="phone" style="width:390px;height:800px"></iframe>
<script>
const phone = document.getElementById("phone");
phone.onload = () => {
  document.body.dataset.width = phone.contentDocument.documentElement.scrollWidth;
};
phone.srcdoc = ${JSON.stringify(PAGE).replaceAll("<", "\\u003c")};
</script>`;
  await Deno.writeTextFile(page, frame);
  const html = await runBrowser(page, {
    folder: folder.path,
    flags: ["--dump-dom"],
  });
  strictEqual(html.match(/data-width="(\d+)"/)?.[1], "390");
});
