import {
  deepStrictEqual,
  doesNotMatch,
  match,
  strictEqual,
} from "node:assert/strict";
import {
  dataPageHtml,
  type DataSheet,
  type SamplePiece,
} from "lib/plot/data_page.ts";

const HOSTILE = `</script><script>alert("1")</script><!-- & 'x'`;

function piece(text: string, more: Partial<SamplePiece> = {}): SamplePiece {
  return { text, scored: false, special: false, ...more };
}

const SHEET: DataSheet = {
  title: HOSTILE,
  facts: [[HOSTILE, HOSTILE]],
  findings: [
    {
      verdict: "look",
      check: HOSTILE,
      count: 2,
      places: HOSTILE,
      says: HOSTILE,
    },
    { verdict: "ok", check: "equal answers", count: 0, places: "", says: "" },
  ],
  histograms: [{
    title: HOSTILE,
    note: HOSTILE,
    axis: "tokens",
    width: 10,
    series: [{ name: "chosen", counts: [1, 2] }, {
      name: "rejected",
      counts: [0, 3],
    }],
  }],
  samples: [{
    location: HOSTILE,
    prompt: {
      name: "prompt, 2 tokens",
      wanted: false,
      pieces: [piece("<|user|>", { special: true }), piece(HOSTILE)],
    },
    completions: [
      {
        name: "chosen",
        wanted: true,
        pieces: [
          piece("\nYes\x1b", { scored: true }),
          piece("</s>", { scored: true, special: true }),
          piece("tool"),
        ],
      },
      {
        name: "rejected",
        wanted: false,
        pieces: [piece("No", { scored: true })],
      },
    ],
  }],
};

const HTML = dataPageHtml(SHEET);
const OWN = HTML.replace(/<script>[^]*$/, "");

Deno.test("the page of data escapes every text", () => {
  strictEqual(HTML.match(/<script/g)?.length, 3);
  doesNotMatch(OWN, /alert\("1"\)|<!-- &/);
});

Deno.test("the page of data loads nothing", () => {
  match(OWN, /Content-Security-Policy" content="default-src 'none';/);
  doesNotMatch(OWN, /\bsrc=|@import|url\(/);
});

Deno.test("scored tokens, special ones and the rest look different", () => {
  match(OWN, /<span class="special">&lt;\|user\|&gt;<\/span>&lt;\/script/);
  match(
    OWN,
    /<span class="scored">↵\nYes.<\/span><span class="scored special">&lt;\/s&gt;<\/span>tool<\/pre>/u,
  );
});

Deno.test("what is made likelier and less likely look different, prompts neither", () => {
  match(OWN, /<h3>chosen<\/h3>\n<pre class="text wanted">/);
  match(OWN, /<h3>rejected<\/h3>\n<pre class="text unwanted">/);
  match(OWN, /<h3>prompt, 2 tokens<\/h3>\n<pre class="text">/);
});

Deno.test("control characters of the data do not reach the page", () => {
  doesNotMatch(OWN, /(?![\t\n])\p{Cc}/u);
});

Deno.test("checks that found nothing are named in a line", () => {
  match(OWN, /<th scope="row" class="look">look<\/th>/);
  match(OWN, /1 other checks found nothing: equal answers\./);
});

Deno.test("a histogram's bars stand in the middle of their bins", () => {
  const [, json = ""] = HTML.match(/id="plots">(.*)<\/script>/) ?? [];
  const [{ data }] = JSON.parse(json);
  deepStrictEqual(
    data.map(({ name, x, y }: Record<string, unknown>) => ({ name, x, y })),
    [
      { name: "chosen", x: [5, 15], y: [1, 2] },
      { name: "rejected", x: [5, 15], y: [0, 3] },
    ],
  );
});
