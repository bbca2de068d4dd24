import type { Call, Entry, EntryOutline, Usage } from "@signalbox/kernel";
import { NO_USAGE } from "@signalbox/kernel";
import type { Receipt } from "../receipts/receipt.ts";
import { attemptTags, callScopes } from "../rules/attempt-scopes.ts";
import type { AttemptAccount } from "./attempt-account.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What is known of the row before the attempt is sent. */
export function entryOutline({ attempt, charge, startedAt }: AttemptAccount): EntryOutline {
  const { id: callId, ordinal, operation, deployment, principal, options } = attempt;
  const tags = attemptTags(principal, options.tags);
  return {
    callId,
    attempt: ordinal,
    operation,
    model: deployment.model,
    deployment: deployment.id,
    provider: deployment.provider,
    scopes: charge.scopes,
    startedAt,
    ...(tags.length > 0 && { tags }),
  };
}

/** The row of the ledger about one attempt. */
export function attemptEntry(
  { attempt, id, charge, startedAt, received }: AttemptAccount,
  receipt: Receipt,
  errorCode: string | undefined,
  finishReason: string | undefined,
): Entry {
  const { deployment, principal, options } = attempt;
  const entry: Mutable<Entry> = {
    id,
    callId: attempt.id,
    attempt: attempt.ordinal,
    operation: attempt.operation,
    model: deployment.model,
    deployment: deployment.id,
    provider: deployment.provider,
    scopes: charge.scopes,
    lines: charge.named,
    usage: receipt.usage,
    cost: receipt.provider ?? 0n,
    billed: receipt.billed ?? 0n,
    status: receipt.status,
    startedAt,
    endedAt: Date.now(),
    metadata: metadataOf(attempt, receipt),
  };
  if (receipt.cost !== undefined) {
    entry.costLines = receipt.cost.lines;
    entry.priceVersion = receipt.cost.priceVersion;
    if (receipt.cost.cacheSavings !== undefined) entry.cacheSavings = receipt.cost.cacheSavings;
  }
  if (finishReason !== undefined) entry.finishReason = finishReason;
  else if (errorCode !== undefined) entry.finishReason = errorCode;
  if (received.firstEventAt !== 0) entry.firstEventAt = received.firstEventAt;
  if (errorCode !== undefined) entry.errorCode = errorCode;
  const tags = attemptTags(principal, options.tags);
  if (tags.length > 0) entry.tags = tags;
  return entry;
}

/** Answers for which nobody was asked. */
const FROM_CACHE: ReadonlySet<string> = new Set(["hit", "stale", "shared"]);
const CACHE = "cache";

/** The row about a call that a cache has answered: it costs nothing, and no budget is charged. Undefined for others. */
export function cachedEntry(call: Call, usage: Usage = NO_USAGE): Entry | undefined {
  const { trace, principal, options } = call;
  const { cached } = trace;
  if (cached === undefined || !FROM_CACHE.has(cached.outcome)) return undefined;
  const { model = call.model, provider = CACHE, deployment = CACHE } = cached.servedBy ?? {};
  const endedAt = Date.now();
  const startedAt = endedAt - Math.round(trace.elapsedMs());
  const tags = attemptTags(principal, options.tags);
  const { reportedCost: _, ...units } = usage;
  return {
    id: `${call.id}/0`,
    callId: call.id,
    attempt: 0,
    operation: call.operation,
    model,
    deployment,
    provider,
    scopes: [...callScopes(call), { kind: CACHE, id: "hit" }],
    lines: [],
    usage: units,
    cost: 0n,
    billed: 0n,
    status: "final",
    startedAt,
    ...(trace.begunMs !== undefined && { firstEventAt: startedAt + Math.round(trace.begunMs) }),
    endedAt,
    cacheHit: true,
    ...(tags.length > 0 && { tags }),
    metadata: {
      cache: cached.outcome,
      ...(principal.alias !== undefined && { alias: principal.alias }),
    },
  };
}

function metadataOf(
  { model, deployment, record, principal, purpose }: AttemptAccount["attempt"],
  receipt: Receipt,
): Record<string, unknown> {
  const metadata: Record<string, unknown> = { lane: record.lane, upstreamModel: deployment.upstreamModel };
  const why = record.purpose ?? purpose;
  if (record.status !== undefined) metadata.upstreamStatus = record.status;
  if (why !== undefined) metadata.purpose = why;
  if (model !== deployment.model) metadata.askedModel = model;
  if (principal.alias !== undefined) metadata.alias = principal.alias;
  if (receipt.cost?.discount !== undefined) metadata.discountNano = receipt.cost.discount.toString();
  if (receipt.cost?.margin !== undefined) metadata.marginNano = receipt.cost.margin.toString();
  if (receipt.billed === undefined) metadata.priceUnknown = true;
  return metadata;
}
