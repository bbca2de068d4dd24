import type { Fields } from "../reports/money.ts";

/** An answer that can also be had as CSV. */
export class Table {
  /** As JSON; undefined: the rows, one after the other. */
  readonly json: unknown;
  readonly columns: readonly string[];
  /** In pieces, so that as many as there are fit. */
  readonly pages: Iterable<readonly Row[]> | AsyncIterable<readonly Row[]>;

  constructor(
    columns: readonly string[],
    pages: Iterable<readonly Row[]> | AsyncIterable<readonly Row[]>,
    json?: unknown,
  ) {
    this.columns = columns;
    this.pages = pages;
    this.json = json;
  }
}

/** One row; what is no text or number is written as JSON in a cell. */
export type Row = Readonly<Record<string, unknown>>;

/** A table of rows that are all there. The columns are those of the rows, in the order in which they appear. */
export function tableOf(rows: readonly Fields[], json: unknown): Table {
  return new Table([...new Set(rows.flatMap((row) => Object.keys(row)))], [rows], json);
}

/** Lines of CSV (RFC 4180), a page at a time. */
export async function* csvOf({ columns, pages }: Table): AsyncGenerator<string> {
  let head = lineOf(columns);
  for await (const page of pages) {
    yield head + page.map((row) => lineOf(columns.map((name) => row[name]))).join("");
    head = "";
  }
  yield head;
}

/** An array of JSON, a page at a time. */
export async function* jsonOf({ pages }: Table): AsyncGenerator<string> {
  let first = true;
  for await (const page of pages) {
    if (page.length === 0) continue;
    yield `${first ? "[" : ",\n"}${page.map((row) => JSON.stringify(row)).join(",\n")}`;
    first = false;
  }
  yield first ? "[]" : "]";
}

function lineOf(cells: readonly unknown[]): string {
  return `${cells.map(cellOf).join(",")}\r\n`;
}

/**
 * A cell as a spreadsheet shows it and does not run it: control characters are taken out, and what would begin a formula
 * is put behind an apostrophe.
 */
export function cellOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  const text = (typeof value === "string" ? value : JSON.stringify(value)).replaceAll(/\p{Cc}/gu, "");
  const plain = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) ? `'${text}` : text;
  return /[",;']|^\s|\s$/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
