const TABLES = ["sums_by_hour", "sums_by_day", "label_sums_by_hour", "label_sums_by_day"] as const;

/** How many requests a cache answered, in sums and corrections. Before this version no entry was one of a cache. */
export function cacheHitsMigration(schema: string): string {
  const columns = TABLES.map(
    (table) => `ALTER TABLE ${schema}.${table} ADD COLUMN cache_hits bigint NOT NULL DEFAULT 0;`,
  );
  return `${columns.join("\n")}
ALTER TABLE ${schema}.entry_corrections ADD COLUMN cache_hit boolean;`;
}
