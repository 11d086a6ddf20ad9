import { strictEqual } from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { bibtex } from "lib/experiment/citation.ts";

const SOFTWARE = `@software{prefgrad,
  author = {{The prefgrad authors}},
  title = {prefgrad},
  version = {${config.version}},
  note = {Experiment noise_2`.replace("_", "\\_");

Deno.test("bibtex() names the software and the commits of the results", () => {
  const of = (commits: string[]) =>
    bibtex({ experiment: "noise_2", sources: [], commits });
  strictEqual(of([]), `${SOFTWARE}},\n}`);
  strictEqual(
    of(["abc", "def"]),
    `${SOFTWARE}, whose results were made by commit abc and def},\n}`,
  );
});

Deno.test("bibtex() has each publication once, and arXiv's with their number", () => {
  const arxiv = "https://arxiv.org/abs/2402.01306";
  const text = bibtex({
    experiment: "noise",
    commits: [],
    sources: [
      { title: "KTO, 50 % & more", url: arxiv },
      { title: "KTO, again", url: arxiv },
      { title: "A Note", url: "https://a.example/b_c" },
      { title: "earlier runs", url: "" },
    ],
  });
  strictEqual(
    text.slice(text.indexOf("\n\n") + 2),
    `@misc{arxiv-2402.01306,
  title = {KTO, again},
  eprint = {2402.01306},
  archivePrefix = {arXiv},
  url = {https://arxiv.org/abs/2402.01306},
}

@misc{a-note,
  title = {A Note},
  url = {https://a.example/b_c},
}`,
  );
});
