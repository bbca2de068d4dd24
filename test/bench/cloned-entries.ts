import pg from "pg";

const PER_TRANSACTION = 50_000;
const TRANSACTIONS_PER_LOOK = 20;

/** Columns that make a clone another entry; all others are those of its original. */
const OWN: Readonly<Record<string, string>> = {
  id: "named.call_id || '/1'",
  month: "(to_char(to_timestamp(at / 1e3) AT TIME ZONE 'UTC', 'YYYYMM'))::integer",
  call_id: "named.call_id",
  started_at: "at",
  ended_at: "at + 1000",
  cost: "amount",
  billed: "amount",
};

/**
 * Makes many entries of those that a store in PostgreSQL holds already, on the server: `times` clones of each, spread over
 * the time up to the next original, so that they come in the order of their time. Sums are not touched: the store has to
 * add them up.
 */
export async function cloneEntries(url: string, times: number): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: "bench" });
  await client.connect();
  try {
    await client.query(`CREATE TABLE originals AS SELECT row_number() OVER (ORDER BY started_at, id) - 1 AS place, *,
        lead(started_at, 1, started_at + 1000) OVER (ORDER BY started_at, id) - started_at AS gap
      FROM signalbox.entries`);
    await client.query("CREATE UNIQUE INDEX ON originals (place)");
    await client.query("ANALYZE originals");
    const { rows: columns } = await client.query<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute
        WHERE attrelid = 'signalbox.entries'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'tx'`,
    );
    const { rows: counted } = await client.query<{ number: string }>("SELECT count(*) AS number FROM originals");
    const number = Number(counted[0]?.number);
    const names = columns.map(({ name }) => name);
    const values = names.map((name) => OWN[name] ?? `original.${name}`);
    const step = Math.max(1, Math.floor(PER_TRANSACTION / times));
    const begun = performance.now();
    for (let from = 0, transaction = 1; from < number; from += step, transaction++) {
      await client.query(
        `INSERT INTO signalbox.entries (${names.join(", ")})
          SELECT ${values.join(", ")} FROM (
            SELECT *, started_at + gap * clone / ($3::int + 1) AS at, place * $3 + clone AS serial
            FROM originals, generate_series(1, $3::int) AS clone WHERE place >= $1 AND place < $2
            ORDER BY at
          ) AS original,
          LATERAL (SELECT lpad(to_hex(at), 12, '0') AS time, 100000 + mod(serial * 2654435761, 5000000) AS amount) AS own,
          LATERAL (SELECT left(time, 8) || '-' || right(time, 4) || '-7000-9000-' || lpad(to_hex(serial), 12, '0'))
            AS named (call_id)`,
        [from, from + step, times],
      );
      if (transaction % TRANSACTIONS_PER_LOOK !== 0) continue;
      const rows = Math.min(number, from + step) * times;
      console.log(`  ${rows} clones, ${Math.round(rows / ((performance.now() - begun) / 1_000))} a second`);
    }
    await client.query("DROP TABLE originals");
  } finally {
    await client.end();
  }
}

/** How many entries no sum holds yet. */
export async function waitingEntries(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url, application_name: "bench" });
  await client.connect();
  try {
    const { rows } = await client.query<{ number: string }>("SELECT count(*) AS number FROM signalbox.fresh_entries()");
    return Number(rows[0]?.number);
  } finally {
    await client.end();
  }
}
