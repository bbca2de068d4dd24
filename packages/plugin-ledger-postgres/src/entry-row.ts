import { createHash } from "node:crypto";
import type { BudgetLine, CostLine, Entry, Scope, Usage } from "@signalbox/kernel";

/** Index entries have a largest size, and ids of scopes come from clients. */
const LONGEST_KEY = 300;
/** Ids without a time in them stand in the month 0. */
const UNDATED = 0;
const UUID_7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/i;
const FIRST_MONTH = 202001;
const LAST_MONTH = 209912;
/** What PostgreSQL's text and jsonb cannot hold, as JSON writes it. */
const FOREIGN = /\\u(0000|d[89a-f]\w\w)/i;

/** `202611` of the time inside a version 7 UUID: the same id always meets the same partition. */
export function monthOf(id: string): number {
  const match = UUID_7.exec(id);
  if (match === null) return UNDATED;
  const time = new Date(Number.parseInt(`${match[1]}${match[2]}`, 16));
  const month = time.getUTCFullYear() * 100 + time.getUTCMonth() + 1;
  return month >= FIRST_MONTH && month <= LAST_MONTH ? month : UNDATED;
}

/** Names a scope without doubt: ids may hold any separator. */
export function scopeKey({ kind, id, model }: Scope): string {
  return bounded(JSON.stringify(model === undefined ? [kind, id] : [kind, id, model]));
}

/** Names the counter of a budget line; without a scope, everything that is charged to a line of this period. */
export function lineKey(period: string, scope?: Scope): string {
  return bounded(scope === undefined ? JSON.stringify([period]) : `${JSON.stringify(period)} ${scopeKey(scope)}`);
}

function bounded(key: string): string {
  if (key.length <= LONGEST_KEY) return key;
  return `${key.slice(0, 100)} sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** Text as PostgreSQL can hold it. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD").toWellFormed();
}

interface Column {
  readonly name: string;
  readonly type: "text" | "text[]" | "integer" | "bigint" | "boolean" | "jsonb" | "json";
  readonly of: (entry: Entry) => string | number | bigint | boolean | null;
}

/** The first id of a kind; a line of one model is no scope of the whole. */
function scopeId({ scopes }: Entry, kind: string): string | null {
  return scopes.find((scope) => scope.kind === kind && scope.model === undefined)?.id ?? null;
}

function whole(tokens: number | undefined): number {
  return tokens !== undefined && Number.isFinite(tokens) ? Math.trunc(tokens) : 0;
}

function json(value: unknown): string | null {
  return value === undefined
    ? null
    : JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? `${item}` : item));
}

/** `{"a","b"}`: arrays of arrays cannot be unnested by one level. */
function arrayOf(keys: Iterable<string>): string {
  return `{${[...keys].map((key) => `"${storable(key).replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

const SCOPES: readonly (readonly [column: string, kind: string])[] = [
  ["organization", "organization"],
  ["team", "team"],
  ["user_id", "user"],
  ["key_id", "key"],
  ["customer", "customer"],
  ["session", "session"],
];

const text = (name: string, of: (entry: Entry) => string | null | undefined): Column => ({
  name,
  type: "text",
  of: (entry) => of(entry) ?? null,
});
const tokens = (name: string, of: (usage: Usage) => number | undefined): Column => ({
  name,
  type: "bigint",
  of: ({ usage }) => whole(of(usage)),
});

/** Every column of an entry that a gateway writes, in the order of the statements. */
export const COLUMNS: readonly Column[] = [
  text("id", ({ id }) => id),
  { name: "month", type: "integer", of: ({ callId }) => monthOf(callId) },
  text("call_id", ({ callId }) => callId),
  { name: "attempt", type: "integer", of: ({ attempt }) => attempt },
  text("operation", ({ operation }) => operation),
  text("model", ({ model }) => model),
  text("deployment", ({ deployment }) => deployment),
  text("provider", ({ provider }) => provider),
  ...SCOPES.map(([name, kind]) => text(name, (entry) => scopeId(entry, kind))),
  { name: "scopes", type: "jsonb", of: ({ scopes }) => json(scopes) },
  { name: "scope_keys", type: "text[]", of: ({ scopes }) => arrayOf(new Set(scopes.map(scopeKey))) },
  { name: "lines", type: "jsonb", of: ({ lines }) => json(lines) },
  { name: "line_keys", type: "text[]", of: ({ lines }) => arrayOf(lineKeys(lines ?? [])) },
  { name: "tags", type: "jsonb", of: ({ tags }) => json(tags) },
  tokens("input_tokens", (usage) => usage.inputTokens),
  tokens("output_tokens", (usage) => usage.outputTokens),
  tokens("cache_read_tokens", (usage) => usage.cacheReadTokens),
  tokens("cache_write_tokens", (usage) => whole(usage.cacheWriteTokens) + whole(usage.cacheWrite1hTokens)),
  tokens("reasoning_tokens", (usage) => usage.reasoningTokens),
  { name: "usage", type: "jsonb", of: ({ usage }) => json(usage) },
  { name: "cost", type: "bigint", of: ({ cost }) => cost },
  { name: "billed", type: "bigint", of: ({ billed }) => billed },
  { name: "cost_lines", type: "jsonb", of: ({ costLines }) => json(costLines) },
  text("price_version", ({ priceVersion }) => priceVersion),
  text("status", ({ status }) => status),
  text("finish_reason", ({ finishReason }) => finishReason),
  text("error_code", ({ errorCode }) => errorCode),
  { name: "cache_hit", type: "boolean", of: ({ cacheHit }) => cacheHit ?? null },
  { name: "cache_savings", type: "bigint", of: ({ cacheSavings }) => cacheSavings ?? null },
  { name: "started_at", type: "bigint", of: ({ startedAt }) => whole(startedAt) },
  { name: "first_event_at", type: "bigint", of: (entry) => entry.firstEventAt ?? null },
  { name: "ended_at", type: "bigint", of: ({ endedAt }) => whole(endedAt) },
  { name: "metadata", type: "jsonb", of: ({ metadata }) => json(metadata) },
  { name: "original", type: "json", of: () => null },
];

function* lineKeys(lines: readonly Pick<BudgetLine, "scope" | "period">[]): Generator<string> {
  const keys = new Set<string>();
  for (const { scope, period } of lines) keys.add(lineKey(period, scope)).add(lineKey(period));
  yield* keys;
}

export const COLUMN_NAMES: string = COLUMNS.map(({ name }) => name).join(", ");

/** One array for each column, as `unnest` takes them. */
export function columnArrays(entries: readonly Entry[]): readonly (readonly unknown[])[] {
  const arrays: unknown[][] = COLUMNS.map(() => []);
  for (const entry of entries) {
    let original: string | null = null;
    for (const [index, { name, type, of }] of COLUMNS.entries()) {
      let value = of(entry);
      if (typeof value === "string") {
        const held = type === "jsonb" ? storableJson(value) : storable(value);
        if (held !== value) original = json(entry);
        value = held;
      }
      arrays[index]?.push(name === "original" ? original : value);
    }
  }
  return arrays;
}

/** JSON as jsonb can hold it. */
export function storableJson(written: string): string {
  if (!FOREIGN.test(written)) return written;
  return JSON.stringify(storableValue(JSON.parse(written)));
}

function storableValue(value: unknown): unknown {
  if (typeof value === "string") return storable(value);
  if (Array.isArray(value)) return value.map(storableValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storable(key), storableValue(item)]));
}

/** A row of the table of entries as PostgreSQL answers it: bigint columns are text. */
export interface EntryRow {
  readonly id: string;
  readonly call_id: string;
  readonly attempt: number;
  readonly operation: string;
  readonly model: string;
  readonly deployment: string;
  readonly provider: string;
  readonly scopes: readonly Scope[];
  readonly lines: Entry["lines"] | null;
  readonly tags: readonly string[] | null;
  readonly usage: Stored<Usage>;
  readonly cost: string;
  readonly billed: string;
  readonly cost_lines: readonly Stored<CostLine>[] | null;
  readonly price_version: string | null;
  readonly status: Entry["status"];
  readonly finish_reason: string | null;
  readonly error_code: string | null;
  readonly cache_hit: boolean | null;
  readonly cache_savings: string | null;
  readonly started_at: string;
  readonly first_event_at: string | null;
  readonly ended_at: string;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly original: Stored<Entry> | null;
}

/** As JSON holds it: bigints are text. */
type Stored<Value> = { readonly [Field in keyof Value]: Value[Field] extends bigint ? string : Value[Field] };

export function entryOf(row: EntryRow): Entry {
  const { original } = row;
  if (original !== null) {
    return entryFields({
      ...original,
      usage: original.usage as unknown as Stored<Usage>,
      costLines: original.costLines as unknown as readonly Stored<CostLine>[] | undefined,
      cacheSavings: original.cacheSavings as unknown as string | undefined,
    });
  }
  return entryFields({
    id: row.id,
    callId: row.call_id,
    attempt: row.attempt,
    operation: row.operation,
    model: row.model,
    deployment: row.deployment,
    provider: row.provider,
    scopes: row.scopes,
    lines: row.lines ?? undefined,
    tags: row.tags ?? undefined,
    usage: row.usage,
    cost: row.cost,
    billed: row.billed,
    costLines: row.cost_lines ?? undefined,
    priceVersion: row.price_version ?? undefined,
    status: row.status,
    finishReason: row.finish_reason ?? undefined,
    errorCode: row.error_code ?? undefined,
    cacheHit: row.cache_hit ?? undefined,
    cacheSavings: row.cache_savings ?? undefined,
    startedAt: Number(row.started_at),
    firstEventAt: row.first_event_at === null ? undefined : Number(row.first_event_at),
    endedAt: Number(row.ended_at),
    metadata: row.metadata ?? undefined,
  });
}

/** Amounts are bigints again, and what was not there is not there. */
function entryFields(
  fields: Readonly<Record<string, unknown>> &
    Pick<EntryRow, "usage" | "cost" | "billed"> & {
      readonly cacheSavings?: string | undefined;
      readonly costLines?: readonly Stored<CostLine>[] | undefined;
    },
): Entry {
  const { usage, costLines, cacheSavings } = fields;
  const entry: Record<string, unknown> = {
    ...fields,
    cost: BigInt(fields.cost),
    billed: BigInt(fields.billed),
    cacheSavings: cacheSavings === undefined ? undefined : BigInt(cacheSavings),
    usage: usage.reportedCost === undefined ? usage : { ...usage, reportedCost: BigInt(usage.reportedCost) },
    costLines: costLines?.map((line) => ({ ...line, picoUsdPerUnit: BigInt(line.picoUsdPerUnit) })),
  };
  for (const [name, value] of Object.entries(entry)) if (value === undefined) delete entry[name];
  return entry as unknown as Entry;
}
