import type { BudgetLine, CostLine, Entry, Scope, Usage } from "@signalbox/kernel";

/** As SQLite takes it. */
export type Value = string | number | bigint | null;

/** An entry in columns. */
export type EntryRow = Readonly<Record<(typeof COLUMNS)[number], Value>>;

/** In the order of `entryValues`. */
export const COLUMNS = [
  "id",
  "call_id",
  "attempt",
  "operation",
  "model",
  "deployment",
  "provider",
  "organization",
  "team",
  "user_id",
  "key_id",
  "customer",
  "session",
  "scopes",
  "lines",
  "tags",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "usage",
  "cost",
  "billed",
  "cost_lines",
  "price_version",
  "status",
  "finish_reason",
  "error_code",
  "cache_hit",
  "started_at",
  "first_event_at",
  "ended_at",
  "metadata",
  "cache_savings",
] as const;

type ScopeArray = readonly [kind: string, id: string, model?: string];

/** `["key","k-1"]`; the id of a scope in JSON: a quotation mark inside an id is escaped, so no text can look like another. */
export function scopeText({ kind, id, model }: Scope): string {
  return JSON.stringify(model === undefined ? [kind, id] : [kind, id, model]);
}

/** `["key","k-1"],"2026-11"` in brackets. */
export function lineText(scope: Scope, period: string): string {
  return `[${scopeText(scope)},${JSON.stringify(period)}]`;
}

/** The reverse of `lineText`. */
export function readLine(text: string): Pick<BudgetLine, "scope" | "period"> {
  const [[kind, id, model], period] = JSON.parse(text) as [ScopeArray, string];
  return { scope: model === undefined ? { kind, id } : { kind, id, model }, period };
}

/** The end of the text of every line of a period. */
export function periodText(period: string): string {
  return `],${JSON.stringify(period)}]`;
}

/** `[["key","k-1"],["team","t-1"]]` */
export function scopesText(scopes: readonly Scope[]): string {
  return `[${scopes.map(scopeText).join(",")}]`;
}

/** The reverse of `scopesText`. */
export function readScopes(text: string): readonly Scope[] {
  return (JSON.parse(text) as readonly ScopeArray[]).map(readScope);
}

function readScope([kind, id, model]: ScopeArray): Scope {
  return model === undefined ? { kind, id } : { kind, id, model };
}

/** `[[["key","k-1"],"2026-11"]]` */
export function linesText(lines: NonNullable<Entry["lines"]>): string {
  return `[${lines.map((line) => lineText(line.scope, line.period)).join(",")}]`;
}

/** The values of an entry, in the order of the columns. `scopes` is its `scopesText`, `lines` its `linesText`. */
export function entryValues(entry: Entry, scopes: string, lines: string | null): Value[] {
  const { usage } = entry;
  const id = idsByKind(entry.scopes);
  return [
    entry.id,
    entry.callId,
    entry.attempt,
    entry.operation,
    entry.model,
    entry.deployment,
    entry.provider,
    id["organization"] ?? null,
    id["team"] ?? null,
    id["user"] ?? null,
    id["key"] ?? null,
    id["customer"] ?? null,
    id["session"] ?? null,
    scopes,
    lines,
    json(entry.tags),
    whole(usage.inputTokens),
    whole(usage.outputTokens),
    whole(usage.cacheReadTokens),
    cacheWriteTokens(usage),
    whole(usage.reasoningTokens),
    json(usage, usage.reportedCost !== undefined) ?? "{}",
    entry.cost,
    entry.billed,
    json(entry.costLines?.map((line) => ({ ...line, picoUsdPerUnit: line.picoUsdPerUnit.toString() }))),
    entry.priceVersion ?? null,
    entry.status,
    entry.finishReason ?? null,
    entry.errorCode ?? null,
    entry.cacheHit === undefined ? null : Number(entry.cacheHit),
    Math.trunc(entry.startedAt),
    entry.firstEventAt === undefined ? null : Math.trunc(entry.firstEventAt),
    Math.trunc(entry.endedAt),
    json(entry.metadata),
    entry.cacheSavings ?? null,
  ];
}

/** The reverse of `entryValues`, of a row whose integers are bigints. */
export function readEntry(row: EntryRow): Entry {
  const text = (name: keyof EntryRow): string => row[name] as string;
  const has = (name: keyof EntryRow): boolean => row[name] !== null;
  return {
    id: text("id"),
    callId: text("call_id"),
    attempt: Number(row.attempt),
    operation: text("operation"),
    model: text("model"),
    deployment: text("deployment"),
    provider: text("provider"),
    scopes: readScopes(text("scopes")),
    ...(has("lines") && {
      lines: (JSON.parse(text("lines")) as readonly (readonly [ScopeArray, string])[]).map(([scope, period]) => ({
        scope: readScope(scope),
        period,
      })),
    }),
    usage: readUsage(text("usage")),
    cost: row.cost as bigint,
    billed: row.billed as bigint,
    ...(has("cost_lines") && { costLines: readCostLines(text("cost_lines")) }),
    ...(has("price_version") && { priceVersion: text("price_version") }),
    status: text("status") as Entry["status"],
    ...(has("finish_reason") && { finishReason: text("finish_reason") }),
    startedAt: Number(row.started_at),
    ...(has("first_event_at") && { firstEventAt: Number(row.first_event_at) }),
    endedAt: Number(row.ended_at),
    ...(has("cache_hit") && { cacheHit: row.cache_hit === 1n }),
    ...(has("cache_savings") && { cacheSavings: row.cache_savings as bigint }),
    ...(has("error_code") && { errorCode: text("error_code") }),
    ...(has("tags") && { tags: JSON.parse(text("tags")) as readonly string[] }),
    ...(has("metadata") && { metadata: JSON.parse(text("metadata")) as Readonly<Record<string, unknown>> }),
  };
}

/** Written with a lifetime of five minutes, and of one hour. */
export function cacheWriteTokens(usage: Usage): number {
  return whole(usage.cacheWriteTokens) + whole(usage.cacheWrite1hTokens);
}

/** A number of tokens as a column can hold it. */
export function whole(tokens: number | undefined): number {
  return tokens !== undefined && Number.isFinite(tokens) ? Math.trunc(tokens) : 0;
}

/** The first id of each kind; one model of a scope is no scope of the whole. */
function idsByKind(scopes: readonly Scope[]): Readonly<Record<string, string>> {
  const ids: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { kind, id, model } of scopes) if (model === undefined) ids[kind] ??= id;
  return ids;
}

/** Numbers that are no JSON numbers become texts: an entry that cannot be written would hold up all after it. */
function json(value: unknown, bigints: boolean = false): string | null {
  if (value === undefined) return null;
  if (bigints) return JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? `${item}` : item));
  try {
    return JSON.stringify(value) ?? null;
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    return json(value, true);
  }
}

function readUsage(text: string): Usage {
  const usage = JSON.parse(text) as Omit<Usage, "reportedCost"> & { readonly reportedCost?: string };
  const { reportedCost, ...counts } = usage;
  return reportedCost === undefined ? counts : { ...counts, reportedCost: BigInt(reportedCost) };
}

function readCostLines(text: string): readonly CostLine[] {
  type Written = Omit<CostLine, "picoUsdPerUnit"> & { readonly picoUsdPerUnit: string };
  return (JSON.parse(text) as readonly Written[]).map((line) => ({
    ...line,
    picoUsdPerUnit: BigInt(line.picoUsdPerUnit),
  }));
}
