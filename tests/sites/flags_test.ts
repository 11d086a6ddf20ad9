import { equal, ok, throws } from "node:assert/strict";
import { flagValues } from "../experiment_flags.ts";
import { deviceOn, elsewhereOf, siteOf } from "experiments/sites/flags.ts";

const siteBy = (...args: string[]) => siteOf(flagValues(...args));

Deno.test("runs are made here unless a site is named", () => {
  equal(siteBy(), null);
  equal(siteBy("--on", "local"), null);
  ok(siteBy("--on", "slurm"));
  ok(siteBy("--on", "slurm", "--slurm=--partition=gpu --gres=gpu:1"));
  ok(siteBy("--on", "hf-jobs", "--flavor", "h200", "--records", "me/grids"));
});

Deno.test("options of another site, or of the array itself, are refused", () => {
  throws(
    () => siteBy("--slurm=--partition=gpu"),
    /Cannot use --slurm without --on slurm/,
  );
  throws(
    () => siteBy("--on", "slurm", "--slurm=--array=0-9"),
    /--slurm.*without --array/,
  );
  throws(
    () => siteBy("--on", "slurm", "--slurm", "--time=1"),
    /--slurm=--time/,
  );
});

Deno.test("the device of a site is named, as this machine cannot try it", () => {
  equal(deviceOn("cuda"), "cuda");
  throws(() => deviceOn("auto"), /Cannot use --device auto on other machines/);
});

Deno.test("threads on a site are given, as this machine may have others", () => {
  const values = { on: "slurm", hours: 1, yes: false, device: "cuda" } as const;
  const { device } = elsewhereOf(values, new Set(["threads"]));
  equal(device, "cuda");
  throws(
    () => elsewhereOf(values, new Set(["device"])),
    /Cannot take --threads from this machine/,
  );
  const here = { ...values, on: "local" } as const;
  equal(elsewhereOf(here, new Set()).site, null);
});
