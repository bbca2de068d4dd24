import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** A server that tests may use, and the way to be rid of it. */
export interface Service {
  readonly url: string;
  stop(): Promise<void>;
}

/** A user and group id to run a server as; absent when the current user will do. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Where servers are installed besides the PATH; a `*` stands for one folder name, newest first. */
const PLACES = [
  "/usr/lib/postgresql/*/bin",
  "/usr/pgsql-*/bin",
  "/opt/homebrew/bin",
  "/opt/homebrew/opt/postgresql@*/bin",
  "/usr/local/bin",
  "/usr/local/opt/postgresql@*/bin",
  "/usr/local/pgsql/bin",
  "/usr/bin",
];

export function findBinary(...names: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...PLACES.flatMap(expand)];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (folder !== "" && isExecutable(path)) return path;
    }
  }
  return undefined;
}

function expand(place: string): string[] {
  const star = place.split("/").findIndex((part) => part.includes("*"));
  if (star < 0) return [place];
  const parts = place.split("/");
  const parent = parts.slice(0, star).join("/");
  const prefix = (parts[star] ?? "").replace("*", "");
  const rest = parts.slice(star + 1);
  try {
    return readdirSync(parent)
      .filter((name) => name.startsWith(prefix))
      .sort((left, right) => right.localeCompare(left, "en", { numeric: true }))
      .map((name) => [parent, name, ...rest].join("/"));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The ids of a system user, asked of `id`, since Node cannot look them up. */
export function ownerOf(user: string): Owner | undefined {
  const read = (flag: string): number =>
    Number.parseInt(spawnSync("id", [flag, user], { encoding: "utf8" }).stdout ?? "", 10);
  const [uid, gid] = [read("-u"), read("-g")];
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port on 127.0.0.1");
  return address.port;
}

/** A server process that ends, and whose folder goes, with this process, however this process ends. */
export interface Supervised {
  readonly folder: string;
  /** What the server printed so far. */
  output(): string;
  exited(): boolean;
  stop(): Promise<void>;
}

/**
 * Starts `command` under `supervisor.ts`, a small process that watches a pipe to this one and ends the server when
 * the pipe closes. So the server goes away even when this process is killed.
 */
export function supervise(
  folder: string,
  command: readonly string[],
  options: { owner?: Owner | undefined; signal?: NodeJS.Signals } = {},
): Supervised {
  const supervisor = fileURLToPath(new URL("supervisor.ts", import.meta.url));
  const task = JSON.stringify({ folder, command, owner: options.owner, signal: options.signal ?? "SIGTERM" });
  const child: ChildProcess = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", supervisor, task], {
    cwd: folder,
    detached: true,
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString("utf8")).slice(-8_000);
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  child.stdin?.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", (error) => {
      output += error.message;
      resolve();
    });
  });
  child.unref();
  return {
    folder,
    output: () => output.trim(),
    exited: () => child.exitCode !== null || child.signalCode !== null,
    async stop() {
      // somebody waits for it now
      child.ref();
      child.stdin?.end();
      await ended;
    },
  };
}

/** Repeats `probe` until it succeeds; gives up when the server has exited or after `timeoutMs`. */
export async function untilReady(name: string, server: Supervised, probe: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      if (server.exited() || Date.now() > deadline) {
        await server.stop();
        throw new Error(`${name} did not start: ${server.output() || String(error)}`, { cause: error });
      }
    }
    await sleep(20);
  }
}

/** A free port can be taken between finding it and using it, hence more than one try. */
export async function withRetries(start: () => Promise<Service>): Promise<Service> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}
