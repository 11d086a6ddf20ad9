import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { LOSSES } from "lib/losses/registry.ts";
import { formulaHtml, proseHtml } from "lib/plot/mathml.ts";

/** The text that a browser shows, without elements and joiners. */
const shown = (html: string) =>
  html.replaceAll(/<[^>]*>|\u2060/g, "").replaceAll(/\s+/g, " ")
    .replaceAll("&lt;", "<");

Deno.test("formulas become MathML with subscripts, powers and fractions", () => {
  const html = formulaHtml("−log σ(β(Δ_w − Δ_l))/(1−2ε)");
  match(html, /<msub><mi>Δ<\/mi><mi>w<\/mi><\/msub>/);
  match(html, /<mfrac>/);
  match(formulaHtml("e^(−z)"), /<msup><mi>e<\/mi>/);
});

Deno.test("words are words, not products of letters", () => {
  const html = formulaHtml("KL(π‖π_ref) + log(exp(x))");
  match(html, /<mtext>KL<\/mtext>/);
  match(html, /<msub><mi>π<\/mi><mtext>ref<\/mtext><\/msub>/);
  match(html, /<mi[^>]*>log<\/mi>/);
  match(html, /<mtext>exp<\/mtext>/);
});

Deno.test("quoted words keep the spaces around them", () => {
  strictEqual(
    shown(formulaHtml('λ "if desirable," μ "if not"')),
    "λ if desirable, μ if not",
  );
});

Deno.test("a definition after a comma has a line of its own", () => {
  const html = formulaHtml("max(0, x), x = f(y, z)");
  strictEqual(html.match(/<div>/g)?.length, 2);
  match(html, /,<\/span><\/div>\n/);
});

Deno.test("lines can break before operators outside of brackets only", () => {
  strictEqual(formulaHtml("a + b − (c + d)").match(/<wbr>/g)?.length, 2);
});

Deno.test("prose is escaped, and a formula in it keeps its punctuation", () => {
  const html = proseHtml("Less <b> of y_w: `1/2 < x`, & more.");
  match(html, /^Less &lt;b&gt; of y<sub>w<\/sub>: /);
  match(html, /<\/math>,<\/span> &amp; more\.$/);
  match(html, /&lt;/);
  doesNotMatch(html, /<mfrac>|<b>/);
});

Deno.test("names with low lines are left alone", () => {
  strictEqual(proseHtml("exo_pair"), "exo_pair");
});

for (const { id, formula, derivation = [] } of LOSSES) {
  Deno.test(`nothing of ${id} is lost in MathML`, () => {
    const texts = [
      formula,
      ...derivation.flatMap((step) =>
        step.split("`").filter((_, i) => i % 2 === 1)
      ),
    ];
    for (const text of texts) {
      const letters = (text: string) =>
        [...text.replaceAll(/[^\p{L}\d]/gu, "").replaceAll("sum", "")].sort()
          .join("");
      strictEqual(letters(shown(formulaHtml(text))), letters(text), text);
      strictEqual(shown(formulaHtml(text)).includes('"'), false);
    }
  });
}
