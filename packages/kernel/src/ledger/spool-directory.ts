import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import type { Server } from "node:net";
import { connect, createServer } from "node:net";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { GatewayError } from "../errors.ts";

/** A directory of a spool that this process alone uses, until it ends in whatever way. */
export interface OwnedDirectory {
  readonly path: string;
  /** The name that it had before it was taken over. */
  readonly before?: string;
  /** Tells processes on other hosts that this one lives. To be called every few seconds. */
  touch(): void;
  /** Lets go of it; with `remove`, deletes it. */
  release(remove: boolean): Promise<void>;
}

const NAME = /^[0-9a-f]{12}$/;
const OWNER_FILE = "owner.json";
/** The file systems of Linux and macOS take names of sockets up to 103 bytes. */
const MAXIMUM_ROOT_BYTES = 84;
/** A process on another host that has not touched its directory for as long is gone. */
const ABANDONED_MS = 60_000;

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

/**
 * Takes over the directories below `root` whose owners are gone. Of several processes that try, one gets each.
 * `alone`: nobody else can use this root, whatever host has used it before.
 */
export async function takeOver(root: string, alone: boolean = false): Promise<readonly OwnedDirectory[]> {
  if (!existsSync(root)) return [];
  const taken: OwnedDirectory[] = [];
  for (const name of readdirSync(root)) {
    if (!NAME.test(name) || !(await isAbandoned(root, name, alone))) continue;
    const own = randomBytes(6).toString("hex");
    const lock = await listen(lockPath(root, own));
    try {
      renameSync(join(root, name), join(root, own));
    } catch (error) {
      await close(lock);
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue; // another process was faster
      throw error;
    }
    rmSync(lockPath(root, name), { force: true });
    taken.push({ ...owned(root, own, lock), before: name });
  }
  return taken;
}

function owned(root: string, name: string, lock: Server): OwnedDirectory {
  const path = join(root, name);
  const file = join(path, OWNER_FILE);
  writeFileSync(file, JSON.stringify({ host: hostname(), pid: process.pid }));
  return {
    path,
    touch() {
      const now = new Date();
      utimesSync(file, now, now);
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

async function isAbandoned(root: string, name: string, alone: boolean): Promise<boolean> {
  if (await answers(lockPath(root, name))) return false;
  if (alone) return true;
  try {
    const file = join(root, name, OWNER_FILE);
    const { host } = JSON.parse(readFileSync(file, "utf8"));
    return host === hostname() || statSync(file).mtimeMs + ABANDONED_MS < Date.now();
  } catch {
    // without an owner's file, or with half of one: it ended while it began, or is just beginning
    try {
      return statSync(join(root, name)).mtimeMs + ABANDONED_MS < Date.now();
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
