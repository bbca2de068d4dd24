import type {
  BudgetLine,
  HeldCheck,
  LineBalance,
  LineSettlement,
  NanoUsd,
  ReapedReservation,
  ReservationAnswer,
  ReservationRequest,
  ReservationStore,
} from "@signalbox/kernel";
import type { Database } from "./database.ts";
import { lineKey } from "./entry-row.ts";
import { checkHeld } from "./held-check.ts";

/** Longer than any spool is replayed. */
const REMEMBERED = "7 days";
const REAPED_AT_ONCE = 1_000;
const REPORT_AGAIN_MS = 60_000;

type StoredLine = Omit<BudgetLine, "limit"> & { readonly limit: string | null };

/**
 * The counters behind budgets in PostgreSQL: one transaction for each reservation, all its counters locked in the same
 * order. Strict also where a Redis could forget; slower, since a counter is changed by one call at a time.
 */
export class PostgresReservations implements ReservationStore {
  readonly #database: Database;
  #reported: readonly string[] = [];

  constructor(database: Database) {
    this.#database = database;
  }

  async reserve({ id, estimate, lines }: ReservationRequest, leaseMs: number): Promise<ReservationAnswer> {
    const [denial] = await this.#database.repeat<{ place: number; posted: string; pending: string }>(
      `SELECT * FROM ${this.#database.schema}.reserve($1, $2, $3, $4, $5, $6)`,
      [id, estimate, lines.map(keyOf), lines.map(({ limit }) => limit), stored(lines), leaseMs],
    );
    if (denial === undefined) return { held: true };
    const line = lines[denial.place - 1] as BudgetLine;
    return { held: false, line, spent: BigInt(denial.posted), pending: BigInt(denial.pending) };
  }

  async settle(settlements: readonly LineSettlement[]): Promise<void> {
    if (settlements.length === 0) return;
    await this.#database.repeat(`SELECT ${this.#database.schema}.settle($1, $2, $3, $4, $5)`, [
      settlements.map(({ id }) => id),
      settlements.map(({ actual }) => actual),
      settlements.map(({ status }) => status !== "final"),
      settlements.map(({ lines }) => JSON.stringify(lines.map(keyOf))),
      settlements.map(({ written }) => written ?? null),
    ]);
  }

  async renew(ids: readonly string[], leaseMs: number): Promise<void> {
    if (ids.length === 0) return;
    await this.#database.repeat(
      `WITH mine AS (
        SELECT id FROM ${this.#database.schema}.reservations
        WHERE id = ANY ($1) AND settled_at IS NULL ORDER BY id FOR UPDATE
      )
      UPDATE ${this.#database.schema}.reservations AS reservation
        SET leased_until = clock_timestamp() + $2::double precision * interval '1 millisecond'
        FROM mine WHERE reservation.id = mine.id`,
      [ids, leaseMs],
    );
  }

  /**
   * A reservation whose report was not followed by another `reap` of this process within a minute is reported again, to
   * whoever asks: the answer may be lost with the connection, or a process may die in between.
   */
  async reap(): Promise<readonly ReapedReservation[]> {
    const rows = await this.#database.query<{ id: string; estimate: string; request: readonly StoredLine[] }>(
      `SELECT * FROM ${this.#database.schema}.reap($1, $2, $3, $4::double precision * interval '1 millisecond')`,
      [REAPED_AT_ONCE, REMEMBERED, this.#reported, REPORT_AGAIN_MS],
    );
    this.#reported = rows.map(({ id }) => id);
    return rows.map(({ id, estimate, request }) => ({
      id,
      estimate: BigInt(estimate),
      lines: request.map((line) => ({ ...line, limit: line.limit === null ? null : BigInt(line.limit) })),
    }));
  }

  async balance(line: BudgetLine): Promise<LineBalance> {
    const [row] = await this.#database.repeat<{ posted: string; pending: string }>(
      `SELECT posted, pending FROM ${this.#database.schema}.counters WHERE line = $1`,
      [keyOf(line)],
    );
    return { posted: BigInt(row?.posted ?? 0), pending: BigInt(row?.pending ?? 0) };
  }

  async balances(lines: readonly BudgetLine[]): Promise<readonly LineBalance[]> {
    const rows = await this.#database.repeat<{ posted: string; pending: string }>(
      `SELECT coalesce(posted, 0) AS posted, coalesce(pending, 0) AS pending
        FROM unnest($1::text[]) WITH ORDINALITY AS wanted (line, place)
        LEFT JOIN ${this.#database.schema}.counters USING (line) ORDER BY place`,
      [lines.map(keyOf)],
    );
    return rows.map(({ posted, pending }) => ({ posted: BigInt(posted), pending: BigInt(pending) }));
  }

  checkHeld(lines: readonly BudgetLine[], overdueMs: number): Promise<HeldCheck> {
    return checkHeld(this.#database, new Map(lines.map((line) => [keyOf(line), line])), overdueMs);
  }

  async correct(line: BudgetLine, expected: NanoUsd, difference: NanoUsd): Promise<boolean> {
    const { schema } = this.#database;
    const rows = await this.#database.query(
      `WITH line AS (SELECT ${schema}.lock_counters(ARRAY[$1::text]))
      SELECT 1 FROM line`,
      [keyOf(line)],
    );
    if (rows.length === 0) return false;
    const changed = await this.#database.query(
      `UPDATE ${schema}.counters SET posted = posted + $3 WHERE line = $1 AND posted = $2 RETURNING 1`,
      [keyOf(line), expected, difference],
    );
    return changed.length === 1;
  }
}

function keyOf({ scope, period }: BudgetLine): string {
  return lineKey(period, scope);
}

function stored(lines: readonly BudgetLine[]): string {
  return JSON.stringify(
    lines.map(({ scope, period, limit }) => ({ scope, period, limit: limit === null ? null : `${limit}` })),
  );
}
