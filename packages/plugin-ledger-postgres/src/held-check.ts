import type { BudgetLine, HeldCheck, LineSum } from "@signalbox/kernel";
import type { Database } from "./database.ts";
import { lineOf } from "./line-sums.ts";

interface Row {
  readonly line: string | null;
  readonly pending: string;
  readonly held: string;
  readonly overdue: string;
}

/** Compares counters with reservations, in one statement: as of one moment. `lines` are known by their keys. */
export async function checkHeld(
  database: Database,
  lines: ReadonlyMap<string, BudgetLine>,
  overdueMs: number,
): Promise<HeldCheck> {
  const { schema } = database;
  const rows = await database.long((session) =>
    session.query<Row>(
      `WITH held AS (
        SELECT name AS line, sum(estimate) AS held FROM ${schema}.reservations, unnest(lines) AS name
        WHERE settled_at IS NULL GROUP BY name
      ), overdue AS (
        SELECT count(*) AS overdue FROM ${schema}.reservations
        WHERE settled_at IS NULL AND leased_until < now() - $1::double precision * interval '1 millisecond'
      )
      SELECT line, coalesce(pending, 0) AS pending, coalesce(held, 0) AS held, overdue
      FROM overdue LEFT JOIN (
        (SELECT line, pending FROM ${schema}.counters WHERE pending <> 0) AS counter FULL JOIN held USING (line)
      ) ON coalesce(pending, 0) <> coalesce(held, 0)`,
      [overdueMs],
    ),
  );
  const differing = rows.flatMap(({ line, pending, held }) =>
    line === null ? [] : [{ line: named(line, lines), pending: BigInt(pending), held: BigInt(held) }],
  );
  return { differing, overdue: Number(rows[0]?.overdue ?? 0) };
}

function named(key: string, lines: ReadonlyMap<string, BudgetLine>): LineSum["line"] {
  const line = lines.get(key);
  // a key too long for an index does not tell its line
  return line === undefined
    ? (lineOf(key) ?? { scope: { kind: "unknown", id: key }, period: "" })
    : { scope: line.scope, period: line.period };
}
