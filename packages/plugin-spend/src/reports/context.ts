import type { Described, ReportRow, Scope } from "@signalbox/kernel";
import type { Sources } from "../sources.ts";
import type { Viewer } from "../viewer.ts";
import type { Range } from "./days.ts";
import { rangeOf } from "./days.ts";
import type { Fields } from "./money.ts";
import { Money } from "./money.ts";

/** The fields of a query that most reports have. */
export interface ReportFields {
  readonly start_date?: string | undefined;
  readonly end_date?: string | undefined;
  readonly timezone?: string | undefined;
  readonly currency?: string | undefined;
  readonly team_id?: string | undefined;
}

/** Names are looked up for so many at most; what comes after them is known by its id. */
const MOST_NAMES = 1_000;

/** Which days a query is about. */
export function rangeFor(query: ReportFields, sources: Sources): Range {
  return rangeOf(query, query.timezone ?? sources.timezone, sources.now());
}

/** In which currency: what the query says, else `currency` in the metadata of the team that it is about. */
export async function moneyFor(query: ReportFields, viewer: Viewer, sources: Sources): Promise<Money> {
  if (query.currency !== undefined) return new Money(sources.pricing, query.currency);
  const team = query.team_id ?? (viewer.seesAll ? undefined : viewer.principal.teamId);
  const directory = sources.directory();
  if (team === undefined || directory === undefined) return new Money(sources.pricing, undefined);
  const currency = (await directory.describe("team", [team])).get(team)?.metadata?.["currency"];
  return new Money(sources.pricing, typeof currency === "string" ? currency : undefined);
}

/** What is known of some ids. */
export async function namesOf(
  sources: Sources,
  kind: Scope["kind"],
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, Described>> {
  const directory = sources.directory();
  if (directory === undefined) return new Map();
  const known = [...new Set(ids)].filter((id) => id !== "").slice(0, MOST_NAMES);
  return known.length === 0 ? new Map() : await directory.describe(kind, known);
}

/** Money, counts and tokens of a row. `at`: epoch milliseconds; whose day's rate holds. */
export function metricsOf(row: ReportRow, money: Money, at: number): Fields {
  return {
    ...money.of("spend", row.billed, at),
    ...money.of("cache_savings", row.cacheSavings, at),
    prompt_tokens: row.inputTokens,
    completion_tokens: row.outputTokens,
    cache_read_input_tokens: row.cacheReadTokens,
    cache_creation_input_tokens: row.cacheWriteTokens,
    total_tokens: row.inputTokens + row.outputTokens,
    successful_requests: row.requests - row.failures,
    failed_requests: row.failures,
    api_requests: row.requests,
  };
}
