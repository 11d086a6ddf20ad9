import { deepEqual, equal } from "node:assert/strict";
import { dotNames } from "lib/plot/dot_names.ts";

Deno.test("a name stands above the first of its dots, where there is room", () => {
  deepEqual(
    dotNames([
      { name: "a", x: [0, 1], y: [0, 1] },
      { name: "b", x: [4, 5], y: [4, 5] },
    ]),
    [{ dot: 0, side: "top center" }, { dot: 0, side: "top center" }],
  );
});

Deno.test("a name lies neither on dots nor on other names, nor beyond the plot", () => {
  const far = { name: "far", x: [100], y: [100] };
  // The second dot lies where the name of the first would.
  const [own] = dotNames([{ name: "own", x: [0, 0], y: [0, 4] }, far]);
  deepEqual(own, { dot: 0, side: "bottom center" });
  const one = { x: [50], y: [50] };
  const names = dotNames([
    { name: "first", ...one },
    { name: "other", ...one },
    { name: "third", ...one },
    { ...far, x: [0, 100], y: [0, 100] },
  ]);
  equal(new Set(names.slice(0, 3).map(({ side }) => side)).size, 3);
  const [long] = dotNames([
    { name: "a very long name", x: [100, 100], y: [0, 50] },
    { name: "low", x: [0], y: [100] },
  ]);
  equal(long!.side, "middle left");
});

Deno.test("names have places whatever the dots are", () => {
  deepEqual(dotNames([{ name: "none", x: [], y: [] }]), [
    { dot: 0, side: "top center" },
  ]);
  deepEqual(dotNames([{ name: "one", x: [3], y: [3] }]).length, 1);
});
