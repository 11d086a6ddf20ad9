import { strictEqual, throws } from "node:assert/strict";
import { canonicalJson } from "lib/record/canonical_json.ts";

Deno.test("canonicalJson() does not depend on the order of keys", () => {
  const text = canonicalJson({ b: [1, { z: null, a: true }], a: "é" });
  strictEqual(text, '{"a":"é","b":[1,{"a":true,"z":null}]}');
  strictEqual(canonicalJson({ a: "é", b: [1, { a: true, z: null }] }), text);
});

Deno.test("canonicalJson() writes numbers as RFC 8785 does", () => {
  // Appendix B of the RFC.
  strictEqual(
    canonicalJson([-0, 5e-324, 1e21, 333333333.3333332, 1e-7, 1e23]),
    "[0,5e-324,1e+21,333333333.3333332,1e-7,1e+23]",
  );
});

Deno.test("canonicalJson() indents and leaves out undefined members", () => {
  const text = canonicalJson({ a: undefined, b: { c: [] } }, { indent: 2 });
  strictEqual(text, '{\n  "b": {\n    "c": []\n  }\n}');
});

Deno.test("canonicalJson() names the place of what JSON would lose", () => {
  throws(
    () => canonicalJson({ a: [0, NaN] }),
    /Cannot write \/a\/1 as JSON: found NaN/,
  );
  throws(() => canonicalJson({ a: Infinity }), /\/a as JSON: found Infinity/);
  throws(
    () => canonicalJson({ w: new Float32Array(2) }),
    /\/w as JSON: found a Float32Array/,
  );
  throws(() => canonicalJson({ d: new Date(0) }), /\/d as JSON: found a Date/);
  throws(() => canonicalJson([undefined]), /\/0 as JSON: found undefined/);
  throws(() => canonicalJson(1n), /the value as JSON: found 1/);
});
