import { execFile } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Round } from "./round.ts";

const KILL_EVERY_MS = 400;

/** Processes are killed and started again, one about every 0.4 seconds, as soon as there is one to kill. */
export function kills(count: number): Round {
  return {
    name: "kills",
    about: "processes are killed and started again",
    cap: count * 3_000_000,
    async trouble({ fleet }) {
      while (fleet.kills < count) {
        await sleep(KILL_EVERY_MS / 2 + Math.random() * KILL_EVERY_MS);
        fleet.killOne();
      }
      await fleet.killAll();
    },
  };
}

export const redisRestarted: Round = {
  name: "redis_restarted",
  about: "Redis ends and comes back with its log, twice",
  cap: 60_000_000,
  async trouble({ world }) {
    for (let time = 0; time < 2; time++) {
      await sleep(4_000);
      await world.redis.stop();
      await sleep(1_500);
      await world.redis.start();
    }
    await sleep(4_000);
  },
};

export const redisWiped: Round = {
  name: "redis_wiped",
  about: "Redis loses all that it has, twice: while it runs, and by a restart",
  cap: 60_000_000,
  async trouble({ world }) {
    await sleep(5_000);
    await world.redis.command("FLUSHALL");
    await sleep(8_000);
    await world.redis.command("FLUSHALL");
    await world.redis.stop();
    await sleep(1_000);
    await world.redis.start();
    await sleep(8_000);
  },
};

export const postgresRestarted: Round = {
  name: "postgres_restarted",
  about: "PostgreSQL is restarted, then away for some seconds",
  cap: 60_000_000,
  async trouble({ world }) {
    await sleep(4_000);
    await world.postgres.stop();
    await world.postgres.start();
    await sleep(4_000);
    await world.postgres.stop();
    await sleep(7_000);
    await world.postgres.start();
    await sleep(4_000);
  },
};

export const suspended: Round = {
  name: "suspended",
  about: "one process after another stands still for longer than its lease, and goes on",
  cap: 60_000_000,
  async trouble({ fleet }) {
    for (let index = 0; index < fleet.size; index++) {
      await sleep(1_500);
      await fleet.suspend(index, 5_000);
    }
    await sleep(1_500);
  },
};

/** The first gateway has its spool there. */
const SMALL_DISK = "small";

export const diskFull: Round = {
  name: "disk_full",
  about: "the disk of one process's spool fills up, and has space again",
  cap: 60_000_000,
  spool: (folder, index) => join(folder, index === 0 ? SMALL_DISK : `s${index}`),
  async before(folder) {
    const disk = join(folder, SMALL_DISK);
    mkdirSync(disk);
    await promisify(execFile)("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
  },
  async trouble({ fleet }) {
    const disk = fleet.tasks[0]?.spool ?? "";
    const ballast = join(disk, "ballast");
    for (let time = 0; time < 2; time++) {
      await sleep(4_000);
      // what the spool itself gives free is taken, too
      for (const until = performance.now() + 4_000; performance.now() < until; await sleep(50)) fill(ballast);
      rmSync(ballast);
    }
    await sleep(4_000);
  },
  async after(folder) {
    await promisify(execFile)("umount", ["-l", join(folder, SMALL_DISK)]);
  },
};

/** Takes all the space that there is. */
function fill(path: string): void {
  const file = openSync(path, "a");
  try {
    for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}
