import type { EntryQuery } from "@signalbox/kernel";
import { lineKey, monthOf, scopeKey, storable } from "./entry-row.ts";

const DEFAULT_LIMIT = 100;

const SORTED: Readonly<Record<NonNullable<EntryQuery["sortBy"]>, string>> = {
  startedAt: "started_at",
  endedAt: "ended_at",
  billed: "billed",
  inputTokens: "input_tokens",
  outputTokens: "output_tokens",
};
const SHARED = ["operation", "model", "deployment", "provider"] as const;

interface Query {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Newest first, unless told otherwise. */
export function listQuery(schema: string, query: EntryQuery): Query {
  const { where, values } = conditions(query);
  const direction = query.ascending === true ? "ASC" : "DESC";
  const order = `${SORTED[query.sortBy ?? "startedAt"]} ${direction}, id COLLATE "C" ${direction}`;
  const all = [...values, query.limit ?? DEFAULT_LIMIT, query.offset ?? 0];
  const text = `SELECT * FROM ${schema}.entries ${where}
    ORDER BY ${order} LIMIT $${all.length - 1} OFFSET $${all.length}`;
  return { text, values: all };
}

/** Counts up to a number. */
export function countQuery(schema: string, query: EntryQuery, most: number): Query {
  const { where, values } = conditions(query);
  const text = `SELECT count(*)::int AS number
    FROM (SELECT 1 FROM ${schema}.entries ${where} LIMIT $${values.length + 1}) AS found`;
  return { text, values: [...values, most] };
}

function conditions(query: EntryQuery): { readonly where: string; readonly values: readonly unknown[] } {
  const { scope, scopes = [], period, from, to, callId, failed, errorCode, minimum, maximum } = query;
  const values: unknown[] = [];
  const parts: string[] = [];
  const place = (value: unknown): string => `$${values.push(value)}`;
  if (period !== undefined) parts.push(`line_keys @> ${place([lineKey(period, scope)])}`);
  const wanted = scope === undefined || period !== undefined ? scopes : [scope, ...scopes];
  if (wanted.length > 0) parts.push(`scope_keys @> ${place(wanted.map(scopeKey))}`);
  if (from !== undefined) parts.push(`started_at >= ${place(Math.ceil(from))}`);
  if (to !== undefined) parts.push(`started_at < ${place(Math.ceil(to))}`);
  if (callId !== undefined) {
    // an id is the call's, a slash and a number; the sign after the slash is 0
    const [low, high] = [place(storable(`${callId}/`)), place(storable(`${callId}0`))];
    parts.push(`id >= ${low} AND id < ${high} AND call_id = ${place(storable(callId))}`);
    parts.push(`month = ANY (${place([...new Set([monthOf(callId), 0])])}::int[])`);
  }
  for (const name of SHARED) {
    const value = query[name];
    if (value !== undefined) parts.push(`${name} = ${place(storable(value))}`);
  }
  if (failed !== undefined) parts.push(`error_code IS ${failed ? "NOT NULL" : "NULL"}`);
  if (errorCode !== undefined) parts.push(`error_code = ${place(storable(errorCode))}`);
  if (minimum !== undefined) parts.push(`billed >= ${place(minimum)}`);
  if (maximum !== undefined) parts.push(`billed <= ${place(maximum)}`);
  return { where: parts.length === 0 ? "" : `WHERE ${parts.join(" AND ")}`, values };
}
