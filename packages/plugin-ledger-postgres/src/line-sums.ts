import type { BudgetLine, LineSum, Scope } from "@signalbox/kernel";
import type { Database, Session } from "./database.ts";
import { lineKey } from "./entry-row.ts";

const PAGE = 5_000;
/** How the key of a line ends whose ids are too long for an index. */
const SHORTENED = / sha256:[0-9a-f]{64}$/;

type Line = Pick<BudgetLine, "scope" | "period">;

/** What entries have posted on each line, as of one moment: from sums, and from entries that the sums do not hold. */
export async function* lineSums(database: Database): AsyncGenerator<readonly LineSum[]> {
  const pages: (readonly LineSum[])[] = [];
  await database.long(async (session) => {
    await session.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    const shortened = await shortenedLines(database.schema, session);
    await session.query(`DECLARE sums NO SCROLL CURSOR FOR ${statement(database.schema)}`);
    for (;;) {
      const rows = await session.query<{ line: string; billed: string }>(`FETCH ${PAGE} FROM sums`);
      pages.push(
        rows.map(({ line, billed }) => ({ line: shortened.get(line) ?? lineOf(line), posted: BigInt(billed) })),
      );
      if (rows.length < PAGE) break;
    }
  });
  yield* pages;
}

/** Keys of whole periods begin with a bracket. */
function statement(schema: string): string {
  const mark = `(SELECT tx FROM ${schema}.watermark)`;
  return `SELECT line, sum(billed)::text AS billed FROM (
      SELECT line, billed FROM ${schema}.sums_by_line WHERE starts_with(line, '"')
      UNION ALL SELECT key, billed FROM ${schema}.entries, unnest(line_keys) AS key
        WHERE tx >= ${mark} AND starts_with(key, '"')
      UNION ALL SELECT key, sign * billed FROM ${schema}.entry_corrections, unnest(line_keys) AS key
        WHERE tx >= ${mark} AND starts_with(key, '"')
    ) AS part GROUP BY line`;
}

/** The reverse of `lineKey`. */
function lineOf(key: string): Line {
  const split = key.indexOf('" [') + 1;
  const [kind = "", id = "", model] = JSON.parse(key.slice(split + 1)) as [string, string, string?];
  const scope: Scope = model === undefined ? { kind, id } : { kind, id, model };
  return { scope, period: JSON.parse(key.slice(0, split)) as string };
}

/** Those that their keys do not tell: rare, and found in their entries. */
async function shortenedLines(schema: string, session: Session): Promise<ReadonlyMap<string, Line>> {
  const rows = await session.query<{ line: Line }>(
    `SELECT DISTINCT line FROM ${schema}.entries, jsonb_array_elements(lines) AS line
      WHERE EXISTS (SELECT FROM unnest(line_keys) AS key WHERE key ~ ' sha256:[0-9a-f]{64}$')`,
  );
  const lines = rows.map(({ line }) => [lineKey(line.period, line.scope), line] as const);
  return new Map(lines.filter(([key]) => SHORTENED.test(key)));
}
