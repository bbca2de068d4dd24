import type { BudgetLine, NanoUsd, Scope } from "@signalbox/kernel";
import { formatUsd, GatewayError } from "@signalbox/kernel";

/** A budget stands against the attempt. Another deployment may be cheaper, or free. */
export function budgetExceeded(
  line: BudgetLine,
  endsAt: number | undefined,
  estimate: NanoUsd,
  now: number,
): GatewayError {
  const limit = line.limit ?? 0n;
  // waiting helps only where a whole new period has room for the attempt
  const wait = endsAt !== undefined && estimate <= limit ? Math.max(0, endsAt - now) : undefined;
  const model = line.scope.model === undefined ? "" : ` for model ${JSON.stringify(line.scope.model)}`;
  return new GatewayError(
    "budget_exceeded",
    `the budget of ${scopeName(line.scope)}${model} (${formatUsd(limit)} USD) does not cover this call`,
    {
      source: "budgets",
      ...(wait !== undefined && { retryAfterMs: wait }),
      details: {
        scope: line.scope.kind,
        limit: Number(formatUsd(limit)),
        reset_at: endsAt === undefined ? null : new Date(endsAt).toISOString(),
      },
    },
  );
}

/** Nothing bounds the cost, and a hard budget must not be passed. */
export function priceUnknown(model: string): GatewayError {
  return new GatewayError(
    "price_unknown",
    `a budget applies to this call, and nothing is known of the price of model ${JSON.stringify(model)}`,
    { source: "budgets" },
  );
}

function scopeName({ kind, id }: Scope): string {
  return kind === "gateway" ? "the gateway" : `${kind} ${JSON.stringify(id)}`;
}
