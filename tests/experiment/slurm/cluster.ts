import { join } from "node:path";
import { temporaryFolder } from "../../temporary_folder.ts";

/** Debian's Slurm has no commands for others than root to start a node. */
const isRoot = Deno.build.os !== "windows" && Deno.uid() === 0;

const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch"];

/** Why there is no cluster here; `null` where one can be started. */
export const noCluster: string | null = !isRoot
  ? "only root starts a node"
  : PROGRAMS.every(isInstalled)
  ? null
  : "Slurm is not installed";

function isInstalled(program: string): boolean {
  try {
    new Deno.Command(program, { args: ["-V"] }).outputSync();
    return true;
  } catch {
    return false;
  }
}

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * A Slurm of one node on the loopback address, with two processors. There is no
 * accounting.
 */
export class Cluster implements AsyncDisposable {
  readonly #folder = temporaryFolder();
  readonly #daemons: Deno.ChildProcess[] = [];
  #controller: Deno.ChildProcess | undefined;
  /** Environment by which Slurm's programs find it. */
  readonly env = { SLURM_CONF: this.#path("slurm.conf") };

  static async start(): Promise<Cluster> {
    const cluster = new Cluster();
    try {
      await cluster.#begin();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a program of Slurm. */
  async run(program: string, ...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      ...{ args, env: this.env },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) =>
      new TextDecoder().decode(bytes)
    );
    if (!success) throw new Error(`${program}: ${err}`);
    return out!;
  }

  /** Tasks in a state, as `ARRAY_TASK`. */
  async tasks(state: string): Promise<string[]> {
    const args = ["--array", "--noheader", `--states=${state}`, "--format=%i"];
    return (await this.run("squeue", ...args)).split("\n").filter(Boolean);
  }

  startController(): void {
    this.#controller = this.#spawn("slurmctld", "-D");
  }

  async stopController(): Promise<void> {
    this.#controller?.kill("SIGTERM");
    await this.#controller?.status;
    this.#controller = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#controller) {
      await this.run("scancel", "--me", "--signal=KILL").catch(() => {});
      // A step whose end no controller hears of goes on telling it for minutes,
      // and slurmd waits for the step.
      await this.#untilIdle().catch(() => {});
      this.#daemons.push(this.#controller);
    }
    for (const daemon of this.#daemons.reverse()) {
      daemon.kill("SIGKILL");
      await daemon.status;
    }
    this.#folder[Symbol.dispose]();
  }

  async #begin(): Promise<void> {
    const [socket, key] = [this.#path("socket"), this.#path("key")];
    await Deno.writeFile(key, crypto.getRandomValues(new Uint8Array(128)), {
      mode: 0o600,
    });
    await Deno.mkdir(this.#path("state"));
    await Deno.writeTextFile(this.#path("slurm.conf"), this.#configuration());
    this.#daemons.push(this.#spawn(
      ...["munged", "--foreground", "--force", "--num-threads=1"] as const,
      ...[`--key-file=${key}`, `--socket=${socket}`],
      ...["pid", "log", "seed"].map((name) =>
        `--${name}-file=${this.#path(`munge-${name}`)}`
      ),
    ));
    this.startController();
    this.#daemons.push(this.#spawn("slurmd", "-D", "-N", "localhost"));
    await this.#untilIdle();
  }

  /** @throws Error if the node is not idle within ten seconds. */
  async #untilIdle(): Promise<void> {
    for (let i = 0;; i++) {
      const state = await this.run("sinfo", "--noheader", "--format=%T")
        .catch(({ message }: Error) => message);
      if (state.trim() === "idle") return;
      if (i === 100) throw new Error(`The node is not idle: ${state}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** https://slurm.schedmd.com/slurm.conf.html */
  #configuration(): string {
    const lines = {
      ClusterName: "test",
      SlurmctldHost: "localhost(127.0.0.1)",
      SlurmctldPort: freePort(),
      SlurmdPort: freePort(),
      SlurmUser: "root",
      SlurmdUser: "root",
      AuthType: "auth/munge",
      AuthInfo: `socket=${this.#path("socket")}`,
      StateSaveLocation: this.#path("state"),
      SlurmdSpoolDir: this.#path("state"),
      SlurmctldPidFile: this.#path("slurmctld.pid"),
      SlurmdPidFile: this.#path("slurmd.pid"),
      SlurmctldLogFile: this.#path("slurmctld.log"),
      SlurmdLogFile: this.#path("slurmd.log"),
      ProctrackType: "proctrack/linuxproc",
      TaskPlugin: "task/none",
      SelectType: "select/cons_tres",
      SelectTypeParameters: "CR_Core",
      JobAcctGatherType: "jobacct_gather/none",
      MpiDefault: "none",
      SlurmdParameters: "config_overrides",
      SchedulerParameters: "sched_interval=1,batch_sched_delay=0",
      KillWait: 2,
      ReturnToService: 2,
    };
    return [
      ...Object.entries(lines).map(([name, value]) => `${name}=${value}`),
      "NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000",
      "PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE",
    ].join("\n") + "\n";
  }

  #spawn(program: string, ...args: readonly string[]): Deno.ChildProcess {
    return new Deno.Command(program, {
      ...{ args: [...args], env: this.env },
      ...{ stdin: "null", stdout: "null", stderr: "null" },
    }).spawn();
  }

  #path(name: string): string {
    return join(this.#folder.path, name);
  }
}
