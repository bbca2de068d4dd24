import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownPostgres, ownRedis } from "./own-servers.ts";
import type { Round, RoundReport } from "./round.ts";
import { runRound } from "./round.ts";

/** Runs rounds one after another on a Redis and a PostgreSQL of their own. */
export async function manyProcesses(rounds: readonly Round[], processes: number): Promise<readonly RoundReport[]> {
  // names of sockets are short: the spools lie below it
  const folder = mkdtempSync(join(tmpdir(), "money-"));
  const redis = await ownRedis(folder);
  const postgres = await ownPostgres(folder);
  try {
    const reports: RoundReport[] = [];
    for (const round of rounds) {
      console.log(`  ${round.name}: ${round.about}`);
      reports.push(await runRound({ folder, redis, postgres }, round, processes));
    }
    return reports;
  } finally {
    await Promise.all([redis.stop(), postgres.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}
