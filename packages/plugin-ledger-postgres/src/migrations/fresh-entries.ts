/**
 * Entries that no sum holds yet. A function of its own, so that they are always found by the index: how few they are cannot
 * be known when a query is planned, and a guess of a third of all would read the whole table.
 */
export function freshEntriesMigration(schema: string): string {
  return `
CREATE FUNCTION ${schema}.fresh_entries() RETURNS SETOF ${schema}.entries LANGUAGE sql STABLE
  SET enable_seqscan = off AS $$
  SELECT * FROM ${schema}.entries WHERE tx >= (SELECT tx FROM ${schema}.watermark)
$$;`;
}
