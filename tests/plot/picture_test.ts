import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { join } from "node:path";
import type { Figure } from "lib/plot/figure.ts";
import { drawPictures } from "lib/plot/picture.ts";
import { ternaryPanel } from "lib/plot/ternary.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const corners = ["y_l", "y_w", "other"] as const;

const FIGURE: Figure = {
  title: "Finding",
  text: ["Text."],
  panels: [
    ...["one", "two"].map((title) =>
      ternaryPanel({ title, corners, paths: [] })
    ),
    { title: "Later", data: [{ type: "bar", x: ["a"], y: [3] }], layout: {} },
  ],
  tables: [],
};

async function drawn(figure: Figure) {
  using folder = temporaryFolder();
  await drawPictures(figure, folder.path);
  const read = (kind: string) => Deno.readFile(join(folder.path, kind));
  return {
    svg: await read("figure.svg"),
    pdf: await read("figure.pdf"),
    png: await read("figure.png"),
  };
}

const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

Deno.test("pictures show the small panels that a figure begins with, in equal bytes", async () => {
  const [first, again] = await Promise.all([drawn(FIGURE), drawn(FIGURE)]);
  const { svg, pdf, png } = first;
  const xml = text(svg);
  const [, width, height] = xml.match(
    /^<svg [^>]*width="(.+?)" height="(.+?)"/,
  )!;
  deepStrictEqual(
    [...xml.matchAll(/font-weight="700">(\w+)<\/text>/g)].map(([, name]) =>
      name
    ),
    ["one", "two"],
  );
  strictEqual(xml.match(/<svg /g)?.length, 3);
  ok(!xml.includes("Later"));
  match(text(pdf), /^%PDF/);
  const points = (pixels: string) => Math.ceil(0.75 * Number(pixels));
  const [, ...box] = text(pdf).match(/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/)!;
  deepStrictEqual(box.map((side) => Math.ceil(Number(side))), [
    points(width!),
    points(height!),
  ]);
  strictEqual(text(pdf).match(/\/Type \/Page\b/g)?.length, 1);
  // The width in the header of a PNG, of 900 pixels twice.
  strictEqual(new DataView(png.buffer).getUint32(16), 1800);
  deepStrictEqual(again, first);
});

Deno.test("pictures show as many panels as a figure says, without their notes", async () => {
  const [first, ...others] = FIGURE.panels;
  const panels = [{ ...first!, note: "Note." }, ...others];
  const { svg } = await drawn({ ...FIGURE, panels, pictured: 3 });
  const xml = text(svg);
  ok(xml.includes("Later") && !xml.includes("Note."));
  strictEqual(xml.match(/<svg /g)?.length, 4);
});

Deno.test("a figure without panels has no picture, and leaves no file", async () => {
  using folder = temporaryFolder();
  await rejects(drawPictures({ ...FIGURE, panels: [] }, folder.path), {
    name: "RangeError",
    message: 'Cannot draw "Finding": expected panels, found tables alone',
  });
  deepStrictEqual([...Deno.readDirSync(folder.path)], []);
});
