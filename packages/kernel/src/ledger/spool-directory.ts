import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import type { Server } from "node:net";
import { connect, createServer } from "node:net";
import { hostname } from "node:os";
import { basename, join, resolve } from "node:path";
import { GatewayError } from "../errors.ts";

/** A directory of a spool that this process alone uses, until it ends in whatever way. */
export interface OwnedDirectory {
  readonly path: string;
  /** The name that it had before it was taken over. */
  readonly before?: string;
  /** Whether it is there, under this name. */
  readonly exists: boolean;
  /** Tells processes on other hosts that this one lives. To be called every few seconds; throws when it is gone. */
  touch(): void;
  /** Lets go of it; with `remove`, deletes it. */
  release(remove: boolean): Promise<void>;
}

const NAME = /^[0-9a-f]{12}$/;
const OWNER_FILE = "owner.json";
/** The file systems of Linux and macOS take names of sockets up to 103 bytes. */
const MAXIMUM_ROOT_BYTES = 84;
export const ABANDONED_MS = 60_000;

/**
 * Makes a directory of its own below `root`. It is locked by a socket that listens beside it: the operating system lets
 * go of it when the process ends, however it ends.
 */
export async function createDirectory(root: string): Promise<OwnedDirectory> {
  mkdirSync(root, { recursive: true });
  const name = randomBytes(6).toString("hex");
  const lock = await listen(lockPath(root, name));
  const path = join(root, name);
  mkdirSync(path);
  return owned(root, name, lock);
}

/** Which directories are to be taken over. */
export interface TakeOverOptions {
  /** A process on another host that has not touched its directory for as long is gone. Default 60,000. */
  readonly abandonedMs?: number;
}

/** Takes over the directories below `root` whose owners are gone. Of several processes that try, one gets each. */
export async function takeOver(root: string, options: TakeOverOptions = {}): Promise<readonly OwnedDirectory[]> {
  if (!existsSync(root)) return [];
  const abandonedMs = options.abandonedMs ?? ABANDONED_MS;
  const taken: OwnedDirectory[] = [];
  for (const name of readdirSync(root)) {
    if (!NAME.test(name) || !(await isAbandoned(root, name, abandonedMs))) continue;
    const claimed = await claim(root, name);
    if (claimed !== undefined) taken.push(claimed);
  }
  return taken;
}

/**
 * For a process that was silent for so long that its directory may have been taken over: takes it as others would, under
 * another name; where it is gone, makes a new one, which has no `before`.
 */
export async function reclaim(root: string, silent: OwnedDirectory): Promise<OwnedDirectory> {
  mkdirSync(root, { recursive: true });
  const again = (await claim(root, basename(silent.path))) ?? (await createDirectory(root));
  await silent.release(false);
  return again;
}

/** Renames a directory: undefined when another process was faster. */
async function claim(root: string, name: string): Promise<OwnedDirectory | undefined> {
  const own = randomBytes(6).toString("hex");
  const lock = await listen(lockPath(root, own));
  try {
    renameSync(join(root, name), join(root, own));
  } catch (error) {
    await close(lock);
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  rmSync(lockPath(root, name), { force: true });
  return owned(root, own, lock, name);
}

function owned(root: string, name: string, lock: Server, before?: string): OwnedDirectory {
  const path = join(root, name);
  const file = join(path, OWNER_FILE);
  const owner = JSON.stringify({ host: hostname(), pid: process.pid });
  writeFileSync(file, owner);
  return {
    path,
    ...(before !== undefined && { before }),
    get exists() {
      return existsSync(file);
    },
    touch() {
      touch(file, owner);
    },
    async release(remove) {
      if (remove) rmSync(path, { recursive: true, force: true });
      await close(lock);
    },
  };
}

function lockPath(root: string, name: string): string {
  return join(resolve(root), `${name}.lock`);
}

async function listen(path: string): Promise<Server> {
  if (Buffer.byteLength(path) > MAXIMUM_ROOT_BYTES + "/0123456789ab.lock".length) {
    throw new GatewayError(
      "option_invalid",
      `the path of the spool is longer than ${MAXIMUM_ROOT_BYTES} bytes: ${path}`,
    );
  }
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(path, done);
  });
  server.unref();
  return server;
}

function close(server: Server): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}

/** Hosts that share a volume may have different clocks: it is written to, so that the time is that of the volume. */
function touch(file: string, owner: string): void {
  const opened = openSync(file, "r+");
  try {
    writeSync(opened, owner, 0);
  } catch {
    // no space even for that
    futimesSync(opened, new Date(), new Date());
  } finally {
    closeSync(opened);
  }
}

/** By the clock of the volume. */
function timeOf(root: string): number {
  const probe = join(root, `${randomBytes(6).toString("hex")}.now`);
  try {
    writeFileSync(probe, "now");
    return statSync(probe).mtimeMs;
  } finally {
    rmSync(probe, { force: true });
  }
}

async function isAbandoned(root: string, name: string, abandonedMs: number): Promise<boolean> {
  if (await answers(lockPath(root, name))) return false;
  const file = join(root, name, OWNER_FILE);
  try {
    const { host } = JSON.parse(readFileSync(file, "utf8"));
    return host === hostname() || statSync(file).mtimeMs + abandonedMs < timeOf(root);
  } catch {
    // without an owner's file, or with half of one: it ended while it began, or is just beginning
    try {
      return statSync(join(root, name)).mtimeMs + abandonedMs < timeOf(root);
    } catch {
      return false; // gone meanwhile
    }
  }
}

/** Whether a process listens there. A stopped one does, too: the operating system answers for it. */
function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      // refused: nobody listens. Not there: never listened on this host. Anything else: rather leave it alone
      done(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}
