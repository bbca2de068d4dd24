// Runs one server for `supervise` in service.ts: `node supervisor.ts '<task as JSON>'`. It ends the server and removes
// its folder as soon as standard input closes, which happens when the parent stops or dies.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";

interface Task {
  readonly folder: string;
  readonly command: readonly [string, ...string[]];
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly signal: NodeJS.Signals;
}

const task = JSON.parse(process.argv[2] ?? "") as Task;
const [program, ...args] = task.command;
const server = spawn(program, args, { cwd: task.folder, stdio: ["ignore", "inherit", "inherit"], ...task.owner });

function end(): void {
  server.kill(task.signal);
  setTimeout(() => server.kill("SIGKILL"), 5_000).unref();
}

server.once("error", (error) => {
  console.error(error.message);
  finish(1);
});
server.once("exit", (code) => finish(code ?? 0));

function finish(code: number): void {
  process.chdir(tmpdir());
  rmSync(task.folder, { recursive: true, force: true, maxRetries: 3 });
  process.exit(code);
}

process.stdin.resume();
process.stdin.once("close", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
// The parent may be gone before the server prints its last words.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);
