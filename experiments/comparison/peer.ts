import { join } from "node:path";
import * as v from "valibot";
import { counted, digits, nameOf } from "lib/experiment/figure_parts.ts";
import type { ExperimentRuns, SettingRuns } from "lib/experiment/summary.ts";
import { orNull } from "lib/files/missing.ts";
import { parseJson, readText } from "lib/files/read_json.ts";
import type { Figure, Table } from "lib/plot/figure.ts";
import {
  checkJson,
  COUNT,
  JSON_OBJECT,
  SHA256,
  TEXT,
} from "lib/record/check_json.ts";
import type { RunRecord } from "lib/record/record.ts";
import { Rng } from "lib/rng.ts";
import { mean } from "lib/train/metrics.ts";
import { meanOver, paired } from "./differences.ts";
import type { ComparisonSettings } from "./settings.ts";
import { byPrompt, type ComparisonSummary } from "./summary.ts";

/** Name of TRL's record among results. */
const FILE = "trl.json";

const SECONDS = v.pipe(v.number(), v.minValue(0, "a number of at least 0"));

/** One run as TRL made it again. */
const PEER_RUN = v.object({
  /** That of the run in the results. */
  name: TEXT,
  /** Options of the loss that TRL does not have, with its values instead. */
  otherwise: JSON_OBJECT,
  steps: COUNT,
  seconds: v.object({ train: SECONDS }),
  peakMemoryBytes: COUNT,
  /** Of each held-out pair, as in our records. */
  correct: v.array(v.number()),
  margins: v.array(v.number()),
});

/** Schema of the record that `experiments/real/by_trl.py` writes. */
const PEER_RECORD = v.object({
  versions: v.objectWithRest({ trl: TEXT }, TEXT),
  machine: v.object({ cpu: TEXT, threads: COUNT }),
  /** SHA-256 of the pairs to train on, and of those to compare on. */
  train: SHA256,
  heldOut: SHA256,
  runs: v.pipe(v.array(PEER_RUN), v.minLength(1, "at least one run")),
});

/** Runs of a comparison that TRL made again. */
export type PeerRecord = v.InferOutput<typeof PEER_RECORD>;

/** Numbers of ours and of TRL's, means over the same seeds. */
interface Both {
  readonly own: number;
  readonly trl: number;
}

/** A method beside itself as TRL trains it. */
export interface MethodBesidePeer {
  readonly name: string;
  readonly seeds: number;
  readonly accuracy: Both;
  /** TRL's accuracy less ours, a mean over prompts, and its 95 % interval. */
  readonly difference: Readonly<Record<"estimate" | "low" | "high", number>>;
  /** Largest difference of a pair's margin between the two, in nats. */
  readonly apart: number;
  /** Of a run's steps, without evaluation; TRL's score the reference too. */
  readonly seconds: Both;
  /** The largest of the runs' processes. */
  readonly peakMemoryBytes: Both;
  readonly otherwise: PeerRecord["runs"][number]["otherwise"];
}

/** A comparison beside the same by TRL. */
export interface PeerComparison {
  readonly trl: string;
  readonly machine: Readonly<Record<"own" | "trl", string>>;
  /** Seconds in which our runs scored the reference, all together. */
  readonly referenceSeconds: number;
  readonly methods: readonly MethodBesidePeer[];
}

/** A summary that may have TRL's runs beside ours. */
export interface SummaryBesidePeer extends ComparisonSummary {
  readonly peer?: PeerComparison;
}

/**
 * Reads TRL's record in a folder of results; null without one.
 *
 * @throws Error for another content.
 */
export async function readPeer(folder: string): Promise<PeerRecord | null> {
  const path = join(folder, FILE);
  const text = await orNull(readText(path));
  if (text === null) return null;
  return checkJson(PEER_RECORD, parseJson(text), `Cannot read ${path}`);
}

/**
 * Sets TRL's runs beside ours of the same names, and so of the same seeds.
 *
 * @throws Error where they are not of the same rows and steps, or of other
 * methods.
 */
export function besidePeer(
  { settings, references, bySetting }: ExperimentRuns<ComparisonSettings>,
  peer: PeerRecord,
): PeerComparison {
  const [reference] = references.values();
  const promptOfPair = v.parse(
    NUMBERS,
    reference!.record.summary["promptOfPair"],
  );
  const methods = bySetting
    .map((setting) => ({ ...setting, couples: couplesOf(setting, peer) }))
    .filter(({ couples }) => couples.length > 0);
  const couples = methods.flatMap(({ couples }) => couples);
  if (couples.length < peer.runs.length) {
    throw new Error(
      `Cannot set ${FILE} beside the results: it has ${peer.runs.length} runs, of which they have ${couples.length}`,
    );
  }
  const { cpu, threads } = peer.machine;
  const { environment } = couples[0]!.own;
  return {
    trl: peer.versions.trl,
    machine: {
      own: machineText(environment.cpu, settings.train.threads),
      trl: machineText(cpu, threads),
    },
    referenceSeconds: couples.reduce(
      (sum, { own }) => sum + (own.timings.phases["reference"] ?? 0),
      0,
    ),
    methods: methods.map((each) => besideItself(each, promptOfPair)),
  };
}

const NUMBERS = v.array(v.number());

/** A run, and the same by TRL. */
interface Couple {
  readonly own: RunRecord;
  readonly trl: PeerRecord["runs"][number];
}

function couplesOf({ runs }: SettingRuns, peer: PeerRecord): Couple[] {
  return runs.flatMap(({ record: own, rows }) => {
    const trl = peer.runs.find(({ name }) => name === own.name);
    if (!trl) return [];
    const [train, heldOut] = own.data;
    const pairs = {
      "pairs to train on": [peer.train, train!.sha256],
      "held-out pairs": [peer.heldOut, heldOut!.sha256],
      "steps": [trl.steps, rows.at(-1)!.step],
    };
    for (const [what, [theirs, ours]] of Object.entries(pairs)) {
      if (theirs === ours) continue;
      throw new Error(
        `Cannot set ${FILE} beside ${own.name}: its ${what} are others`,
      );
    }
    return [{ own, trl }];
  });
}

function machineText(cpu: string | null, threads: number): string {
  return `${cpu ?? "an unknown processor"} with ${counted(threads, "thread")}`;
}

function besideItself(
  { method, level, couples }: SettingRuns & { couples: readonly Couple[] },
  promptOfPair: readonly number[],
): MethodBesidePeer {
  const name = nameOf({ ...method, level });
  const own = meanOver(
    couples.map(({ own }) => v.parse(NUMBERS, own.summary["correct"])),
  );
  const trl = meanOver(couples.map(({ trl }) => trl.correct));
  const apart = couples.flatMap(({ own, trl }) =>
    v.parse(NUMBERS, own.summary["margins"])
      .map((margin, i) => Math.abs(margin - trl.margins[i]!))
  );
  const gains = byPrompt(trl.map((x, i) => x - own[i]!), promptOfPair);
  const { low, high } = paired(gains, new Rng(`trl/${name}`));
  const largest = (values: readonly number[]) => Math.max(...values);
  return {
    name,
    seeds: couples.length,
    accuracy: { own: mean(own), trl: mean(trl) },
    difference: { estimate: mean(gains), low, high },
    apart: largest(apart),
    seconds: {
      own: mean(couples.map(({ own }) => trainingSeconds(own))),
      trl: mean(couples.map(({ trl }) => trl.seconds.train)),
    },
    peakMemoryBytes: {
      own: largest(couples.map(({ own }) => own.peakMemoryBytes)),
      trl: largest(couples.map(({ trl }) => trl.peakMemoryBytes)),
    },
    otherwise: couples[0]!.trl.otherwise,
  };
}

/** Seconds of the steps alone. */
function trainingSeconds({ timings: { phases } }: RunRecord): number {
  return phases["train"]! - (phases["evaluate"] ?? 0);
}

/** A figure with the table of TRL's runs beside ours. */
export function withPeer(figure: Figure, peer: PeerComparison): Figure {
  const { trl, machine, referenceSeconds } = peer;
  const text =
    `TRL ${trl} made runs again with the same tokens, batches and first values. Seconds are of the steps alone, on ${machine.own} here and ${machine.trl} there; what else the machine did is in them. The reference took ${
      short(referenceSeconds)
    } s before the first step here, and is part of the steps there.`;
  return {
    ...figure,
    text: [...figure.text ?? [], text],
    tables: [...figure.tables, peerTable(peer)],
  };
}

function peerTable({ trl, methods }: PeerComparison): Table {
  return {
    caption: `The same runs by TRL ${trl}`,
    columns: [
      ...["method", "seeds", "accuracy", "accuracy, TRL"],
      ...["difference (95 % interval)", "verdict", "margins apart (nats)"],
      ...["training (s)", "training (s), TRL"],
      ...["peak memory (GB)", "peak memory (GB), TRL"],
    ],
    rows: methods.map((method) => {
      const { accuracy, difference, seconds, peakMemoryBytes } = method;
      return [
        ...[method.name, method.seeds],
        ...[digits(accuracy.own), digits(accuracy.trl)],
        `${digits(difference.estimate)} (${digits(difference.low)} to ${
          digits(difference.high)
        })`,
        ...[verdictOf(method), method.apart.toPrecision(1)],
        ...[short(seconds.own), short(seconds.trl)],
        short(peakMemoryBytes.own / 1e9),
        short(peakMemoryBytes.trl / 1e9),
      ];
    }),
  };
}

/** A verdict on a method, which may be another one in TRL. */
function verdictOf({ difference: { low, high }, otherwise }: MethodBesidePeer) {
  const options = Object.entries(otherwise);
  const found = low <= 0 && high >= 0 ? "within sampling error" : "differs";
  if (options.length === 0) return found;
  const text = options.map(([name, value]) => `${name} ${value}`).join(", ");
  return `${found}, with ${text} in TRL`;
}

/** Seconds and gigabytes, in two digits or more. */
function short(x: number): string {
  return x < 10 ? x.toFixed(1) : String(Math.round(x));
}
