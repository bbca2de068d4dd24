import { z } from "zod";
import type { BudgetLine, Entry, Ledger, NanoUsd, RecordCollection, SpendQuery, StoredRecord } from "@signalbox/kernel";
import { formatUsd, GatewayError, parseUsd } from "@signalbox/kernel";
import type { CustomerRecord, KeyRecord, TeamRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, keyAccess, notFound, requireAdmin } from "./actor.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { id } from "./fields.ts";
import { findKey, keyRow } from "./key-row.ts";
import type { Management } from "./management.ts";
import type { Spender } from "./spending.ts";
import { linesOf } from "./spending.ts";

const DECIMALS = 9;
const PAGE = 100;
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
  endpoint({
    method: "POST",
    path: "/global/spend/reset",
    summary: "Set what all keys and teams have spent to nothing. What everything has cost stays as it is.",
    body: z.strictObject({ reason: fields.reason }),
    async run({ actor, body: { reason }, management }) {
      requireAdmin(actor);
      const { keys, teams } = management.collections;
      adjustable(management.ledger);
      return {
        message: "what all keys and teams have spent is set back",
        status: "success",
        keys: await resetAll(actor, keys, spendingKey, reason, management),
        teams: await resetAll(actor, teams, spendingTeam, reason, management),
      };
    },
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

/** A key, a team or a customer, and where it stands. */
interface Spending extends Spender {
  readonly scope: { readonly kind: "key" | "team" | "customer"; readonly id: string };
  readonly windows: readonly { readonly budget_duration: string }[];
}

/**
 * Sets what a key has spent, in every budget of its own that is running.
 *
 * @throws {GatewayError} `invalid_request` for more than it has spent, `ledger_unavailable`
 */
export async function setSpend(
  actor: Actor,
  key: KeyRecord,
  wanted: NewSpend,
  management: Management,
): Promise<{ readonly previous: number }> {
  return await setSpendOf(actor, spendingKey(key), wanted, management);
}

/** What a new customer has spent before it was one here. */
export async function startSpend(
  actor: Actor,
  customer: CustomerRecord,
  amount: number,
  management: Management,
): Promise<void> {
  const spender: Spending = { scope: { kind: "customer", id: customer.id }, bounds: customer, windows: [] };
  await setSpendOf(actor, spender, { amount, reason: "set when the customer was made", mayRise: true }, management);
}

function spendingKey(key: KeyRecord): Spending {
  return { scope: { kind: "key", id: key.id }, bounds: key, windows: key.budget_limits ?? [] };
}

function spendingTeam(team: TeamRecord): Spending {
  return { scope: { kind: "team", id: team.id }, bounds: team, windows: [] };
}

async function setSpendOf(
  actor: Actor,
  spender: Spending,
  { amount, reason, mayRise = false, balanced = false }: NewSpend & { readonly balanced?: boolean },
  management: Management,
): Promise<{ readonly previous: number }> {
  const { scope } = spender;
  return await management.alone(`spend of ${scope.kind} ${scope.id}`, async () => {
    const ledger = adjustable(management.ledger);
    const lines = await linesOf(spender, spender.windows, management);
    const target = parseUsd(amount.toFixed(DECIMALS));
    const [main] = lines;
    const before = await ledger.spent(main === undefined ? { scope } : { scope, period: main.period });
    if (!mayRise && target > before.billed) {
      const message = `the ${scope.kind} has spent ${formatUsd(before.billed)} US dollars; it can be set to less only`;
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
      if (change !== 0n) entries.push(adjustment(actor, { scope, line, change, count, reason, isMain: line === main }));
    }
    for (const entry of entries) {
      if (balanced) await ledger.append(balance(entry));
      await ledger.adjust(entry);
    }
    const previous = Number(formatUsd(before.billed));
    await management.write(() =>
      management.log(actor, {
        action: "spend_reset",
        table: `${scope.kind}s`,
        id: scope.id,
        before: { id: scope.id, spend: previous },
        after: { id: scope.id, spend: amount, reason: reason ?? null },
      }),
    );
    return { previous };
  });
}

/** Those of a page that have spent anything in a budget that is running, or ever. */
async function withSpend(spenders: readonly Spending[], management: Management): Promise<readonly Spending[]> {
  const queries: { readonly spender: Spending; readonly query: SpendQuery }[] = [];
  for (const spender of spenders) {
    const lines = await linesOf(spender, spender.windows, management);
    const asked: readonly SpendQuery[] = lines.length === 0 ? [{ scope: spender.scope }] : lines;
    queries.push(...asked.map((query) => ({ spender, query })));
  }
  const spent = await management.spentEach(queries.map(({ query }) => query));
  return [...new Set(queries.flatMap(({ spender }, index) => ((spent[index] ?? 0) > 0 ? [spender] : [])))];
}

/** Sets back what all of a collection have spent, a page at a time; answers how many. */
async function resetAll<Item extends StoredRecord>(
  actor: Actor,
  collection: RecordCollection<Item>,
  spending: (item: Item) => Spending,
  reason: string | undefined,
  management: Management,
): Promise<number> {
  let count = 0;
  for (let offset = 0; ; offset += PAGE) {
    const { items } = await collection.list({ sortBy: "id", offset, limit: PAGE });
    for (const spender of await withSpend(items.map(spending), management)) {
      await setSpendOf(actor, spender, { amount: 0, reason, mayRise: true, balanced: true }, management);
      count++;
    }
    if (items.length < PAGE) return count;
  }
}

interface Adjustment {
  readonly scope: Spending["scope"];
  readonly line: Pick<BudgetLine, "scope" | "period"> | undefined;
  readonly change: NanoUsd;
  readonly count: number;
  readonly reason: string | undefined;
  readonly isMain: boolean;
}

function adjustment(actor: Actor, { scope, line, change, count, reason, isMain }: Adjustment): Entry {
  const now = Date.now();
  // who else resets what looks the same now makes the same entry, which counts once
  const callId = `adjustment-${scope.kind === "key" ? "" : `${scope.kind}-`}${scope.id}-${line?.period ?? "ever"}-${count}`;
  return {
    id: `${callId}/1`,
    callId,
    attempt: 1,
    operation: "adjustment",
    model: "none",
    deployment: "none",
    provider: "none",
    // its sum takes it once, however many of its budgets do
    scopes: isMain ? [scope] : [{ kind: "adjustment", id: scope.id }],
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

/** What everything has cost is the same afterwards: what one has not spent any more, nobody has. */
function balance({ lines: _, ...entry }: Entry): Entry {
  const scopes = [{ kind: "adjustment", id: "balance" }];
  return { ...entry, id: `${entry.callId}/2`, attempt: 2, scopes, cost: -entry.cost, billed: -entry.billed };
}

function adjustable(ledger: Ledger | undefined): Ledger & Required<Pick<Ledger, "adjust">> {
  if (ledger?.adjust !== undefined) return ledger as Ledger & Required<Pick<Ledger, "adjust">>;
  throw new GatewayError(
    "ledger_unavailable",
    "no ledger of this gateway can adjust what was spent; add a ledger plugin",
  );
}
