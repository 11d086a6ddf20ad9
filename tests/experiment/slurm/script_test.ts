import { deepEqual, equal, ok } from "node:assert/strict";
import { arrayScript, leaveArray } from "lib/experiment/slurm/script.ts";

const SCRIPT = {
  name: "prefgrad-micro-0123456789ab",
  tasks: 40,
  limit: 8,
  options: "--partition=gpu --gres=gpu:1 --time=2:00:00",
  cwd: "/home/me/prefgrad",
  logs: "/home/me/my results/.micro.part/slurm/logs",
  command: ["/usr/bin/deno", "run", "-A", "/home/me/it's mine.ts"],
};

Deno.test("the script of an array has limit, options and signals, and becomes its task", () => {
  equal(
    arrayScript(SCRIPT),
    `#!/bin/sh
#SBATCH --job-name=prefgrad-micro-0123456789ab
#SBATCH --array=0-39%8
#SBATCH --chdir=/home/me/prefgrad
#SBATCH --output="/home/me/my results/.micro.part/slurm/logs/%A_%a.log" --open-mode=append
#SBATCH --requeue --signal=B:TERM@60
#SBATCH --partition=gpu --gres=gpu:1 --time=2:00:00
exec /usr/bin/deno run -A '/home/me/it'\\''s mine.ts' --task "$SLURM_ARRAY_TASK_ID"
`,
  );
  const plain = { ...SCRIPT, tasks: 1, limit: null, options: null };
  deepEqual(
    arrayScript(plain).split("\n").filter((line) =>
      /array=|partition/.test(line)
    ),
    ["#SBATCH --array=0-0"],
  );
  const odd = arrayScript({ ...SCRIPT, logs: "/home/me/50%a/logs" });
  ok(odd.includes("--output=/home/me/50%%a/logs/%A_%a.log "));
});

Deno.test("options of sbatch may say everything except what makes the array", () => {
  const allowed = ["-p gpu", "--time=10 --mem=4G", "--account=a-J", "-c 4"];
  deepEqual(allowed.filter((text) => !leaveArray(text)), []);
  const refused = [
    ...[
      "",
      "gpu",
      "--array=0-3",
      "-p gpu -a 3",
      "-a3",
      "-J mine",
      "--job-name=mine",
    ],
    ...["--time=1\nrm -rf /", "-D /tmp", "--chdir=/tmp"],
  ];
  deepEqual(refused.filter(leaveArray), []);
});
