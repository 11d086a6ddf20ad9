import { anyOf, type Choice, choice, type Grammar } from "./grammar.ts";

/** Whether a clause praises or blames. */
type Mood = "praise" | "blame";

/** What is reviewed, and the aspects of it that a review can name. */
const PRODUCTS: Readonly<Record<string, readonly string[]>> = {
  camera: ["lens", "battery", "design"],
  phone: ["screen", "battery", "price"],
  laptop: ["screen", "keyboard", "price"],
  watch: ["strap", "battery", "design"],
  tablet: ["screen", "sound", "price"],
  radio: ["sound", "battery", "design"],
};

/** Its condition, and the probability that a review starts with praise. */
const CONDITIONS: Readonly<Record<string, number>> = {
  old: 0.3,
  used: 0.5,
  new: 0.7,
};

/** Scores of adjectives; the stronger one is, the rarer. */
const ADJECTIVES: Readonly<Record<Mood, Readonly<Record<string, number>>>> = {
  praise: {
    fine: 1,
    decent: 1,
    good: 1,
    nice: 1,
    great: 2,
    lovely: 2,
    superb: 3,
    perfect: 3,
  },
  blame: {
    plain: -1,
    dull: -1,
    bad: -1,
    poor: -1,
    weak: -2,
    shoddy: -2,
    dreadful: -3,
    terrible: -3,
  },
};

/** What the score of an adjective is multiplied by after one of these words. */
const DEGREES = { very: 1.5, really: 1.5, rather: 0.5 };
const NEGATION = { not: -0.5 };

/** Score of each adjective. */
export const SCORES: ReadonlyMap<string, number> = new Map(
  Object.values(ADJECTIVES).flatMap((scores) => Object.entries(scores)),
);

/** What each modifier multiplies the adjective after it by. */
export const FACTORS: ReadonlyMap<string, number> = new Map(
  Object.entries({ ...DEGREES, ...NEGATION }),
);

/** Each prompt, and the reviews that answer it. */
export function reviewsByPrompt(): Map<string, Grammar> {
  return new Map(
    Object.keys(PRODUCTS).flatMap((product) =>
      Object.keys(CONDITIONS).map((condition) => [
        `review of the ${condition} ${product} :`,
        reviews(product, condition),
      ])
    ),
  );
}

/** One to three clauses; "and" keeps the mood, "but" turns it. */
function reviews(product: string, condition: string): Grammar {
  const praise = CONDITIONS[condition]!;
  const aspect = anyOf(PRODUCTS[product]!);
  const subject = choice([1, "it"], [2, [anyOf(["the", "its"]), aspect]]);
  const clause = (mood: Mood) =>
    choice(
      [3, [subject, anyOf(["is", "looks", "feels", "seems"]), opinion(mood)]],
      [1, ["it has a", graded(mood), aspect]],
    );
  const rest = (mood: Mood, clauses: number): Grammar =>
    clauses === 0 ? "." : choice(
      [4, "."],
      [2, ["and", anyOf(CLOSINGS[mood]), "."]],
      [4, [anyOf(["and", "plus"]), review(mood, clauses)]],
      [2, [anyOf(["but", "yet"]), review(opposite(mood), clauses)]],
    );
  const review = (mood: Mood, clauses: number): Grammar => [
    clause(mood),
    rest(mood, clauses - 1),
  ];
  return choice(
    [praise, review("praise", 3)],
    [1 - praise, review("blame", 3)],
  );
}

/** Endings that fit the mood and score nothing. */
const CLOSINGS: Readonly<Record<Mood, readonly string[]>> = {
  praise: ["i kept it", "i would buy it again"],
  blame: ["i sent it back", "i would sell it again"],
};

function opinion(mood: Mood): Grammar {
  return choice([4, graded(mood)], [1, ["not", adjective(opposite(mood))]]);
}

function graded(mood: Mood): Grammar {
  const degree = anyOf(Object.keys(DEGREES));
  return choice([2, adjective(mood)], [1, [degree, adjective(mood)]]);
}

function adjective(mood: Mood): Choice {
  const scores = Object.entries(ADJECTIVES[mood]);
  return choice(
    ...scores.map(([word, score]) => [4 - Math.abs(score), word] as const),
  );
}

function opposite(mood: Mood): Mood {
  return mood === "praise" ? "blame" : "praise";
}
