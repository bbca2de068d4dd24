import { GatewayError } from "@signalbox/kernel";
import type { Database, Session } from "./database.ts";
import { cacheHitsMigration } from "./migrations/cache-hits.ts";
import { cacheSavingsMigration } from "./migrations/cache-savings.ts";
import { daySumsMigration } from "./migrations/day-sums.ts";
import { entriesMigration } from "./migrations/entries.ts";
import { failuresMigration } from "./migrations/failures.ts";
import { freshEntriesMigration } from "./migrations/fresh-entries.ts";
import { recallMigration } from "./migrations/recall.ts";
import { recordsMigration } from "./migrations/records.ts";
import { reservationsMigration } from "./migrations/reservations.ts";

/** Forward only: what is here was applied somewhere and never changes; what is new comes at the end. */
const MIGRATIONS: readonly ((schema: string) => string)[] = [
  entriesMigration,
  recordsMigration,
  reservationsMigration,
  recallMigration,
  daySumsMigration,
  freshEntriesMigration,
  cacheHitsMigration,
  cacheSavingsMigration,
  failuresMigration,
];

/** Brings the tables up to date. Processes that start at once wait for each other. */
export async function migrate(
  database: Database,
  migrations: readonly ((schema: string) => string)[] = MIGRATIONS,
): Promise<void> {
  const { schema } = database;
  await database.long(async (session) => {
    await session.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`signalbox migrations of ${schema}`]);
    await session.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await session.query(
      `CREATE TABLE IF NOT EXISTS ${schema}.migrations
        (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    const applied = await version(session, schema);
    if (applied > migrations.length) {
      throw new GatewayError(
        "plugin_setup_failed",
        `the tables in ${schema} are of version ${applied}, newer than this program's ${migrations.length}: ` +
          "update @signalbox/plugin-ledger-postgres",
        { source: "ledger-postgres" },
      );
    }
    for (const [index, statements] of migrations.entries()) {
      if (index < applied) continue;
      await session.query(statements(schema));
      await session.query(`INSERT INTO ${schema}.migrations (version) VALUES ($1)`, [index + 1]);
    }
  });
}

async function version(session: Session, schema: string): Promise<number> {
  const [row] = await session.query<{ version: number }>(
    `SELECT coalesce(max(version), 0) AS version FROM ${schema}.migrations`,
  );
  return row?.version ?? 0;
}
