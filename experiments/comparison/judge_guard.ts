import { spawn } from "node:child_process";
import process from "node:process";

// A program that runs another one, and ends it with the process that asked for
// it, however that ends. Arguments: the id of that process, then the command.

const [asker, program, ...args] = process.argv.slice(2);
// A group of its own, so that what it starts ends with it.
const judge = spawn(program!, args, { stdio: "inherit", detached: true });

function end(): void {
  try {
    process.kill(-judge.pid!, "SIGKILL");
  } catch {
    // It has ended.
  }
}

const watch = setInterval(() => {
  if (process.ppid !== Number(asker)) end();
}, 100);
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
for (const signal of signals) process.on(signal, end);

judge.once("error", ({ message }) => {
  process.stderr.write(`${message}\n`);
  finish(127);
}).once("exit", (status) => finish(status ?? 128));

function finish(status: number): void {
  clearInterval(watch);
  process.exitCode = status;
  for (const signal of signals) process.off(signal, end);
}
