import { createHash } from "node:crypto";
import type { CollectionDefinition, RecordQuery } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";

/** The fields that records of a collection are found by, as expressions of SQL over `data`. */
export class IndexedFields {
  readonly #collection: string;
  readonly #indexes: CollectionDefinition["indexes"];
  readonly #unicode: boolean;

  /** `unicode`: the server has the collations of ICU. */
  constructor(collection: string, indexes: CollectionDefinition["indexes"], unicode: boolean) {
    this.#collection = collection;
    this.#indexes = indexes;
    this.#unicode = unicode;
  }

  /** Makes the indexes that are missing. */
  statements(table: string): readonly string[] {
    return this.#indexes.map(({ field, unique }) => {
      const hash = createHash("sha256")
        .update(`${field} ${unique === true}`)
        .digest("hex")
        .slice(0, 12);
      const name = `"records_${this.#collection}_${hash}"`;
      return unique === true
        ? `CREATE UNIQUE INDEX IF NOT EXISTS ${name} ON ${table} ((${expression(field)}))`
        : `CREATE INDEX IF NOT EXISTS ${name} ON ${table} ((${expression(field)}), id)`;
    });
  }

  unique(field: string): string {
    if (!this.#indexes.some((index) => index.field === field && index.unique === true)) {
      throw this.#refusal(field, "has no unique index");
    }
    return expression(field);
  }

  conditions({ where, search }: RecordQuery): { readonly where: string; readonly values: readonly unknown[] } {
    const values: unknown[] = [];
    const place = (value: unknown): string => `$${values.push(value)}`;
    const conditions: string[] = [];
    for (const [field, wanted] of Object.entries(where ?? {})) {
      const column = this.#column(field);
      const texts = Array.isArray(wanted) ? wanted : [wanted];
      if (field === "id" && texts.every((one) => typeof one === "string")) {
        conditions.push(`id = ANY (${place(texts)}::text[])`);
      } else if (wanted === null) conditions.push(`${column} IS NULL`);
      else if (Array.isArray(wanted)) {
        conditions.push(`${column} = ANY (${place(wanted.map((one) => JSON.stringify(one)))}::jsonb[])`);
      } else conditions.push(`${column} = ${place(JSON.stringify(wanted))}::jsonb`);
    }
    for (const [field, text] of Object.entries(search ?? {})) {
      const column = `(${this.#column(field)} #>> '{}')`;
      const pattern = `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`;
      conditions.push(`${this.#folded(column)} LIKE ${this.#folded(`${place(pattern)}::text`)}`);
    }
    return { where: conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`, values };
  }

  order({ sortBy, descending }: RecordQuery): string {
    const direction = descending === true ? "DESC" : "ASC";
    if (sortBy === undefined || sortBy === "id") return `id ${direction}`;
    return `${this.#column(sortBy)} ${direction} NULLS LAST, id`;
  }

  /** Without case. The order of a database in the locale C knows only the letters of ASCII. */
  #folded(text: string): string {
    return this.#unicode ? `lower(${text} COLLATE "und-x-icu")` : `lower(${text})`;
  }

  #column(field: string): string {
    if (field === "id") return "to_jsonb(id)";
    if (!this.#indexes.some((index) => index.field === field)) throw this.#refusal(field, "has no index");
    return expression(field);
  }

  #refusal(field: string, what: string): GatewayError {
    const message = `the field ${JSON.stringify(field)} of ${this.#collection} ${what}`;
    return new GatewayError("invalid_request", message, { source: "ledger-postgres", param: field });
  }
}

/** The value as JSON, so that numbers are ordered as numbers; null is as if the field were not there. */
function expression(field: string): string {
  return `NULLIF(data -> '${field.replaceAll("'", "''")}', 'null'::jsonb)`;
}
