const SUMS = ["sums_by_hour", "sums_by_day", "label_sums_by_hour", "label_sums_by_day"] as const;

/** What providers' prompt caches saved, in entries, corrections and sums. Before this version nobody knew. */
export function cacheSavingsMigration(schema: string): string {
  const added = (table: string, type: string): string =>
    `ALTER TABLE ${schema}.${table} ADD COLUMN IF NOT EXISTS cache_savings ${type};`;
  return [
    added("entries", "bigint"),
    added("entry_corrections", "bigint"),
    ...SUMS.map((table) => added(table, "numeric NOT NULL DEFAULT 0")),
  ].join("\n");
}
