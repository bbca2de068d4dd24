import type { Entry } from "@signalbox/kernel";
import type { Database } from "./database.ts";
import { COLUMN_NAMES, COLUMNS, columnArrays } from "./entry-row.ts";

/** What sums are made of, in entries and in corrections alike. */
export const SUMMED: string = `started_at, operation, model, deployment, provider, organization, team, user_id, key_id,
  scope_keys, line_keys, billed, cache_hit, cache_savings, input_tokens, output_tokens, cache_read_tokens,
  cache_write_tokens`;

/**
 * Puts what is certain in the place of guesses. What the guess had added to the sums is taken back by two rows: one as
 * old as the guess, for sums that have not seen it yet, and a negative one as old as the correction.
 */
export class Corrections {
  readonly #database: Database;
  readonly #statement: string;

  constructor(database: Database) {
    const { schema } = database;
    this.#database = database;
    const parameters = COLUMNS.map(({ type }, index) => `$${index + 1}::${type === "text[]" ? "text" : type}[]`);
    const changes = COLUMNS.filter(({ name }) => name !== "id" && name !== "month").map(
      ({ name, type }) => `${name} = certain.${name}${type === "text[]" ? "::text[]" : ""}`,
    );
    const old = (tx: string, sign: number): string =>
      `SELECT ${tx}, ${sign}, error_code IS NOT NULL, ${SUMMED} FROM guess`;
    this.#statement = `WITH certain AS (
        SELECT * FROM unnest(${parameters.join(", ")}) AS row (${COLUMN_NAMES})
      ), guess AS (
        SELECT entry.* FROM ${schema}.entries AS entry JOIN certain USING (id, month)
        WHERE entry.status IN ('estimated', 'counted') ORDER BY id FOR UPDATE OF entry
      ), kept AS (
        INSERT INTO ${schema}.entry_corrections (tx, sign, failed, ${SUMMED})
        ${old("tx", 1)} UNION ALL ${old("pg_current_xact_id()", -1)}
      )
      UPDATE ${schema}.entries AS entry SET tx = pg_current_xact_id(), ${changes.join(", ")}
      FROM certain JOIN guess USING (id, month) WHERE entry.id = certain.id AND entry.month = certain.month`;
  }

  /** Of entries that are there already, those that are certain now. */
  async apply(entries: readonly Entry[]): Promise<void> {
    const certain = entries.filter(({ status }) => status === "final" || status === "void");
    if (certain.length > 0) await this.#database.repeat(this.#statement, columnArrays(certain));
  }
}
