import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./database.ts";
import { isTransient } from "./database-errors.ts";
import { migrate } from "./migrations.ts";
import type { Partitions } from "./partitions.ts";

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

/** Tables as this program needs them. `wait`: until the database can be reached. */
export async function setUp(database: Database, partitions: Partitions, onUnreachable: "fail" | "wait"): Promise<void> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)) {
    try {
      await migrate(database);
      await partitions.ensureAhead();
      return;
    } catch (error) {
      if (onUnreachable === "fail" || database.isClosed || !isTransient(error)) throw error;
    }
    await sleep(waitMs);
  }
}
