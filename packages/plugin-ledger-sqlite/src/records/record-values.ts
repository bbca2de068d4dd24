import type { Value } from "../entries/entry-row.ts";

/** As an index keeps it: texts, numbers and truth are three kinds of value in SQLite, and none equals another. */
export function indexValue(value: unknown): Value | Uint8Array {
  switch (typeof value) {
    case "undefined":
      return null;
    case "string":
    case "number":
    case "bigint":
      return value;
    case "boolean":
      return Uint8Array.of(value ? 1 : 0);
    default:
      return value === null ? null : new TextEncoder().encode(JSON.stringify(value));
  }
}

/** A text as searches compare it; null where there is nothing to search. */
export function searchValue(value: unknown): string | null {
  return typeof value === "string" ? value.toLowerCase() : null;
}

/** A name in SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
