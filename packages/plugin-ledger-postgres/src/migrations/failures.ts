/** Failures by time: they are few, and looked for among all. */
export function failuresMigration(schema: string): string {
  return `CREATE INDEX IF NOT EXISTS entries_failures ON ${schema}.entries (started_at, id COLLATE "C")
    WHERE error_code IS NOT NULL;`;
}
