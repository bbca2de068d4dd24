import type { Entry } from "@signalbox/kernel";
import { formatUsd, totalTokens } from "@signalbox/kernel";
import type { Row } from "../http/table.ts";
import type { Money } from "./money.ts";
import { usdOf } from "./money.ts";

/** The columns of an export, in their order. */
const SPEND_COLUMNS: readonly string[] = [
  "request_id",
  "call_id",
  "attempt",
  "startTime",
  "endTime",
  "completionStartTime",
  "call_type",
  "model",
  "model_group",
  "model_id",
  "custom_llm_provider",
  "status",
  "error_code",
  "finish_reason",
  "spend",
  "spend_nano",
  "provider_cost_nano",
  "cost_status",
  "prompt_tokens",
  "completion_tokens",
  "total_tokens",
  "cache_hit",
  "cache_savings",
  "api_key",
  "user",
  "team_id",
  "organization_id",
  "end_user",
  "session_id",
  "request_tags",
  "price_version",
];
const CURRENCY_COLUMNS: readonly string[] = ["spend_in_currency", "currency", "exchange_rate", "exchange_date"];

/** With those of another currency, where amounts are written in one. */
export function columnsOf({ currency }: Money): readonly string[] {
  return currency === undefined ? SPEND_COLUMNS : [...SPEND_COLUMNS, ...CURRENCY_COLUMNS];
}

const time = (at: number): string => new Date(at).toISOString();

/** An entry as the spend routes show it. What an entry does not have is null. */
export function spendRow(entry: Entry, money: Money): Row {
  const { usage, metadata } = entry;
  const id = (kind: string): string | null =>
    entry.scopes.find((scope) => scope.kind === kind && scope.model === undefined)?.id ?? null;
  return {
    request_id: entry.id,
    call_id: entry.callId,
    attempt: entry.attempt,
    call_type: entry.operation,
    api_key: id("key"),
    ...money.of("spend", entry.billed, entry.startedAt),
    provider_cost_nano: `${entry.cost}`,
    cost_status: entry.status,
    total_tokens: totalTokens(usage),
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    startTime: time(entry.startedAt),
    endTime: time(entry.endedAt),
    completionStartTime: entry.firstEventAt === undefined ? null : time(entry.firstEventAt),
    model: entry.model,
    model_id: entry.deployment,
    model_group: entry.model,
    custom_llm_provider: entry.provider,
    user: id("user"),
    end_user: id("customer"),
    team_id: id("team"),
    organization_id: id("organization"),
    session_id: id("session"),
    request_tags: entry.tags ?? [],
    cache_hit: entry.cacheHit ?? null,
    cache_savings: entry.cacheSavings === undefined ? null : usdOf(entry.cacheSavings),
    status: entry.errorCode === undefined ? "success" : "failure",
    error_code: entry.errorCode ?? null,
    finish_reason: entry.finishReason ?? null,
    price_version: entry.priceVersion ?? null,
    metadata: {
      ...metadata,
      cost_breakdown: entry.costLines?.map(({ kind, units, picoUsdPerUnit }) => ({
        kind,
        units,
        usd_per_unit: picoText(picoUsdPerUnit),
      })),
      usage_object: usage.reportedCost === undefined ? usage : { ...usage, reportedCost: usdOf(usage.reportedCost) },
      ...(entry.errorCode !== undefined && { error_information: { error_code: entry.errorCode } }),
    },
  };
}

/** 10⁻¹² US dollars as a decimal. */
export function picoText(pico: bigint): string {
  const [whole, rest] = [pico / 1_000n, pico % 1_000n];
  if (rest === 0n) return formatUsd(whole);
  const [dollars = "0", fraction = ""] = formatUsd(whole).split(".");
  return `${dollars}.${fraction.padEnd(9, "0")}${rest.toString().padStart(3, "0").replace(/0+$/, "")}`;
}
