import type { BudgetRule, Call, Layer, LimitRule, OperationName, Principal, Reply, Scope } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Bounds, CustomerRecord, TagRecord } from "../records/records.ts";
import { budgetRules, limitRules, withBudget } from "./bounds.ts";
import type { Identities } from "./identity.ts";

/**
 * Adds the budgets and limits of the customer and of the tags that a call names to those of its caller, and refuses
 * customers that are blocked. Names that nobody has made a record of have no bounds of their own.
 */
export function customerLayer(identities: () => Identities | undefined): Layer {
  return function boundCustomers<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
  ): Reply<Name> {
    const { tags = [] } = call.options;
    const endUserId = call.principal.endUserId ?? call.options.endUserId;
    const known = identities();
    const all = new Set([...tags, ...(call.principal.tags ?? [])]);
    if (known === undefined || (endUserId === undefined && all.size === 0)) return next(call);
    const own = endUserId === call.options.endUserId ? call : { ...call, options: { ...call.options, endUserId } };
    return bounded(own as Call<Name>, known, endUserId, all, next);
  };
}

async function* bounded<Name extends OperationName>(
  call: Call<Name>,
  identities: Identities,
  endUserId: string | undefined,
  tags: ReadonlySet<string>,
  next: (call: Call<Name>) => Reply<Name>,
): Reply<Name> {
  const customer = endUserId === undefined ? undefined : await identities.customers.get(endUserId);
  if (customer?.blocked === true) throw new GatewayError("account_blocked", "this customer is blocked");
  const found: { readonly scope: Scope; readonly record: CustomerRecord | TagRecord }[] = [];
  if (customer !== undefined) found.push({ scope: { kind: "customer", id: customer.id }, record: customer });
  for (const name of tags) {
    const tag = await identities.tags.get(name);
    if (tag !== undefined) found.push({ scope: { kind: "tag", id: tag.id }, record: tag });
  }
  if (found.length === 0) return yield* next(call);
  const budgets: BudgetRule[] = [...(call.principal.budgets ?? [])];
  const limits: LimitRule[] = [...(call.principal.limits ?? [])];
  for (const { scope, record } of found) {
    const bounds: Bounds = withBudget(record, await identities.budget(record.budget_id));
    budgets.push(...budgetRules(scope, bounds));
    limits.push(...limitRules(scope, bounds));
  }
  const region = customer?.allowed_model_region ?? null;
  const principal: Principal = {
    ...call.principal,
    ...(budgets.length > 0 && { budgets }),
    ...(limits.length > 0 && { limits }),
    ...(region !== null && { allowedRegions: regionsOf(call.principal, region) }),
  };
  return yield* next({ ...call, principal });
}

/** No region that the key itself does not allow. */
function regionsOf({ allowedRegions }: Principal, region: string): readonly string[] {
  return allowedRegions === undefined || allowedRegions.includes(region) ? [region] : [];
}
