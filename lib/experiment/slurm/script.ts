/** An array of tasks that share records. */
export interface ArrayScript {
  /** Name by which the queue knows the array. */
  readonly name: string;
  /** Number of tasks. */
  readonly tasks: number;
  /** Most tasks at a time; `null` for as many as the site allows. */
  readonly limit: number | null;
  /** Options of sbatch, as its user writes them; `null` for none. */
  readonly options: string | null;
  /** Folder in which the tasks run: paths in settings are from there. */
  readonly cwd: string;
  /** Folder of what the tasks print. */
  readonly logs: string;
  /** The program of a task, to which `--task` and its number are added. */
  readonly command: readonly string[];
}

/** Seconds before the time limit at which a task is told of it. */
const NOTICE = 60;

/**
 * The script of an array, for `sbatch`. The shell becomes the program of the
 * task, so that Slurm's signals reach it.
 *
 * https://slurm.schedmd.com/job_array.html
 */
export function arrayScript(
  { name, tasks, limit, options, cwd, logs, command }: ArrayScript,
): string {
  const most = limit === null ? "" : `%${limit}`;
  return [
    "#!/bin/sh",
    `#SBATCH --job-name=${name}`,
    `#SBATCH --array=0-${tasks - 1}${most}`,
    `#SBATCH --chdir=${inOption(cwd)}`,
    `#SBATCH --output=${inOption(logFile(logs))} --open-mode=append`,
    `#SBATCH --requeue --signal=B:TERM@${NOTICE}`,
    ...options === null ? [] : [`#SBATCH ${options}`],
    `exec ${command.map(inShell).join(" ")} --task "$SLURM_ARRAY_TASK_ID"`,
    "",
  ].join("\n");
}

/** Options that an array has of its own. */
const OWN = /(?:^|\s)(?:-[aJD]|--(?:array|job-name|chdir|wrap|parsable)\b)/;

/** Whether options leave the array as it is. */
export function leaveArray(options: string): boolean {
  return /^-[^\n\r]*$/.test(options) && !OWN.test(options);
}

/** The log of a task; in other places of the path no sign begins a pattern. */
function logFile(folder: string): string {
  return `${folder.replaceAll("%", "%%")}/%A_%a.log`;
}

/** A path in a line of options: in quotation marks where it has a space. */
function inOption(path: string): string {
  return /^[^\s"'\\#]+$/.test(path) ? path : `"${path}"`;
}

function inShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", `'\\''`)}'`;
}
