import { z } from "zod";
import type { BudgetLine, Entry, Ledger, NanoUsd } from "@signalbox/kernel";
import { formatUsd, GatewayError, parseUsd } from "@signalbox/kernel";
import type { KeyRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, keyAccess, notFound } from "./actor.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { id } from "./fields.ts";
import { findKey, keyRow } from "./key-row.ts";
import type { Management } from "./management.ts";
import { linesOf } from "./spending.ts";

const DECIMALS = 9;
const fields = {
  reset_to: z.number().min(0).max(1_000_000_000),
  reason: z.string().max(512).exactOptional(),
};

/** Routes that set what a key has spent, by an entry in the ledger: nothing that is on record changes. */
export const spendResets: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/key/:key/reset_spend",
    summary: "Set what a key has spent to a lower amount.",
    body: z.strictObject(fields),
    run: ({ actor, body, params, management }) => reset(actor, params.key ?? "", body, management),
  }),
  endpoint({
    method: "POST",
    path: "/key/reset_spend",
    summary: "Set what a key has spent to a lower amount.",
    body: z.strictObject({ key: id, ...fields }),
    run: ({ actor, body: { key, ...body }, management }) => reset(actor, key, body, management),
  }),
];

async function reset(
  actor: Actor,
  name: string,
  { reset_to, reason }: { readonly reset_to: number; readonly reason?: string },
  management: Management,
): Promise<Record<string, unknown>> {
  const key = await findKey(name, management);
  const access = key === undefined ? "none" : await keyAccess(actor, key, management);
  if (key === undefined || access === "none") throw notFound("key");
  if (access !== "write") throw forbidden("what a key has spent is reset by administrators");
  const { previous } = await setSpend(actor, key, { amount: reset_to, reason }, management);
  const row = await keyRow(key, management);
  return {
    key_hash: key.id,
    spend: reset_to,
    previous_spend: previous,
    max_budget: key.max_budget ?? null,
    budget_reset_at: row["budget_reset_at"],
  };
}

interface NewSpend {
  readonly amount: number;
  readonly reason: string | undefined;
  /** Whether it may be more than before. */
  readonly mayRise?: boolean;
}

/**
 * Sets what a key has spent, in every budget of its own that is running.
 *
 * @throws {GatewayError} `invalid_request` for more than it has spent, `ledger_unavailable`
 */
export async function setSpend(
  actor: Actor,
  key: KeyRecord,
  { amount, reason, mayRise = false }: NewSpend,
  management: Management,
): Promise<{ readonly previous: number }> {
  return await management.alone(`spend of ${key.id}`, async () => {
    const ledger = adjustable(management.ledger);
    const scope = { kind: "key", id: key.id } as const;
    const lines = await linesOf({ scope, bounds: key }, key.budget_limits ?? [], management);
    const target = parseUsd(amount.toFixed(DECIMALS));
    const [main] = lines;
    const before = await ledger.spent(main === undefined ? { scope } : { scope, period: main.period });
    if (!mayRise && target > before.billed) {
      const message = `the key has spent ${formatUsd(before.billed)} US dollars; it can be set to less only`;
      throw new GatewayError("invalid_request", message, { param: "reset_to" });
    }
    const entries: Entry[] = [];
    for (const line of main === undefined ? [undefined] : lines) {
      const { billed, entries: count } = await ledger.spent(
        line === undefined ? { scope } : { scope, period: line.period },
      );
      // what a shorter window has spent is no more than what the main one has
      const most = line === main || target < billed ? target : billed;
      const change = most - billed;
      if (change !== 0n) entries.push(adjustment(actor, { key, line, change, count, reason, isMain: line === main }));
    }
    for (const entry of entries) await ledger.adjust(entry);
    const previous = Number(formatUsd(before.billed));
    await management.write(() =>
      management.log(actor, {
        action: "spend_reset",
        table: "keys",
        id: key.id,
        before: { id: key.id, spend: previous },
        after: { id: key.id, spend: amount, reason: reason ?? null },
      }),
    );
    return { previous };
  });
}

function adjustment(
  actor: Actor,
  {
    key,
    line,
    change,
    count,
    reason,
    isMain,
  }: {
    readonly key: KeyRecord;
    readonly line: Pick<BudgetLine, "scope" | "period"> | undefined;
    readonly change: NanoUsd;
    readonly count: number;
    readonly reason: string | undefined;
    readonly isMain: boolean;
  },
): Entry {
  const now = Date.now();
  // who else resets what looks the same now makes the same entry, which counts once
  const callId = `adjustment-${key.id}-${line?.period ?? "ever"}-${count}`;
  const own = { kind: "key", id: key.id } as const;
  return {
    id: `${callId}/1`,
    callId,
    attempt: 1,
    operation: "adjustment",
    model: "none",
    deployment: "none",
    provider: "none",
    // the sum of the key takes it once, however many of its budgets do
    scopes: isMain ? [own] : [{ kind: "adjustment", id: key.id }],
    ...(line !== undefined && { lines: [line] }),
    usage: { inputTokens: 0, outputTokens: 0 },
    cost: change,
    billed: change,
    status: "final",
    startedAt: now,
    endedAt: now,
    metadata: {
      adjusted_by: actor.userId ?? actor.id,
      ...(actor.changedFor !== null && { adjusted_for: actor.changedFor }),
      ...(reason !== undefined && { reason }),
    },
  };
}

function adjustable(ledger: Ledger | undefined): Ledger & Required<Pick<Ledger, "adjust">> {
  if (ledger?.adjust !== undefined) return ledger as Ledger & Required<Pick<Ledger, "adjust">>;
  throw new GatewayError(
    "ledger_unavailable",
    "no ledger of this gateway can adjust what was spent; add a ledger plugin",
  );
}
