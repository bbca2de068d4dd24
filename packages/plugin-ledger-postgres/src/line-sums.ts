import type { BudgetLine, LineSum, Scope } from "@signalbox/kernel";
import type { Database, Session } from "./database.ts";
import { lineKey } from "./entry-row.ts";

const PAGE = 5_000;
/** How the key of a line ends whose ids are too long for an index. */
const SHORTENED = / sha256:[0-9a-f]{64}$/;

interface Row {
  readonly line: string;
  readonly billed: string;
}

type Line = Pick<BudgetLine, "scope" | "period">;

/** What entries have posted on each line, as of one moment: from sums, and from entries that the sums do not hold. */
export async function* lineSums(database: Database): AsyncGenerator<readonly LineSum[]> {
  const pages: (readonly Row[])[] = [];
  const shortened = await database.long(async (session) => {
    await session.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    await session.query(`DECLARE sums NO SCROLL CURSOR FOR ${statement(database.schema)}`);
    for (;;) {
      const rows = await session.query<Row>(`FETCH ${PAGE} FROM sums`);
      pages.push(rows);
      if (rows.length < PAGE) break;
    }
    const keys = pages.flatMap((rows) => rows.flatMap(({ line }) => (SHORTENED.test(line) ? [line] : [])));
    return await linesByKey(database.schema, keys, session);
  });
  for (const rows of pages) {
    yield rows.flatMap(({ line: key, billed }) => {
      const line = lineOf(key) ?? shortened.get(key);
      return line === undefined ? [] : [{ line, posted: BigInt(billed) }];
    });
  }
}

/** Keys of whole periods begin with a bracket. */
function statement(schema: string): string {
  const mark = `(SELECT tx FROM ${schema}.watermark)`;
  return `SELECT line, sum(billed)::text AS billed FROM (
      SELECT line, billed FROM ${schema}.sums_by_line WHERE starts_with(line, '"')
      UNION ALL SELECT key, billed FROM ${schema}.fresh_entries(), unnest(line_keys) AS key WHERE starts_with(key, '"')
      UNION ALL SELECT key, sign * billed FROM ${schema}.entry_corrections, unnest(line_keys) AS key
        WHERE tx >= ${mark} AND starts_with(key, '"')
    ) AS part GROUP BY line`;
}

/** The reverse of `lineKey`; undefined where ids were too long to be in it. */
export function lineOf(key: string): Line | undefined {
  if (SHORTENED.test(key)) return undefined;
  const split = key.indexOf('" [') + 1;
  const [kind = "", id = "", model] = JSON.parse(key.slice(split + 1)) as [string, string, string?];
  const scope: Scope = model === undefined ? { kind, id } : { kind, id, model };
  return { scope, period: JSON.parse(key.slice(0, split)) as string };
}

/** Those that their keys do not tell: rare, and found in their entries. Not there are lines whose entries were deleted. */
async function linesByKey(
  schema: string,
  keys: readonly string[],
  session: Session,
): Promise<ReadonlyMap<string, Line>> {
  if (keys.length === 0) return new Map();
  const rows = await session.query<{ line: Line }>(
    `SELECT DISTINCT line FROM ${schema}.entries, jsonb_array_elements(lines) AS line WHERE line_keys && $1::text[]`,
    [keys],
  );
  return new Map(rows.map(({ line }) => [lineKey(line.period, line.scope), line] as const));
}
