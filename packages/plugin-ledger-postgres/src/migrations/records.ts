/** Which collections there are, and how each was defined. Their tables are made when they are opened. */
export function recordsMigration(schema: string): string {
  return `CREATE TABLE ${schema}.collections (name text PRIMARY KEY, definition jsonb NOT NULL);`;
}
