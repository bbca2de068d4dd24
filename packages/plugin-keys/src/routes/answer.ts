import { z } from "zod";

/** An answer with headers of its own. */
export class Answer {
  readonly value: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(value: unknown, headers: Readonly<Record<string, string>>) {
    this.value = value;
    this.headers = headers;
  }
}

const MOST = 1_000;
const USUAL = 500;

/** Which part of a list that is a bare array. */
export interface Part {
  readonly page: number;
  readonly size: number;
}

/** Fields of a query for such a list. */
export const partFields: { readonly page: z.ZodType<number>; readonly size: z.ZodType<number> } = {
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  size: z.coerce.number().int().min(1).max(MOST).default(USUAL),
};

/** Of a `RecordQuery`. */
export function rangeOf({ page, size }: Part): { readonly offset: number; readonly limit: number } {
  return { offset: (page - 1) * size, limit: size };
}

/** A part of a list as a bare array; headers tell how much there is in all. */
export function partOf(rows: readonly unknown[], total: number, { page, size }: Part): Answer {
  return new Answer(rows, {
    "x-total-count": String(total),
    "x-page": String(page),
    "x-page-size": String(size),
    "x-total-pages": String(Math.ceil(total / size)),
  });
}
