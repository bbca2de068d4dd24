import { z } from "zod";
import type { CustomerRecord } from "../records/records.ts";
import { requireAdmin, requireViewer } from "./actor.ts";
import { partFields, partOf, rangeOf } from "./answer.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { boundOrBudgetFields, id, ids, name } from "./fields.ts";
import { checkBudget } from "./key-create.ts";
import type { Management } from "./management.ts";
import { existing, made, shown } from "./management.ts";
import type { Kind } from "./objects.ts";
import { change, create, OLDEST_FIRST, remove } from "./objects.ts";
import { startSpend } from "./reset-spend.ts";
import { NO_BOUNDS, spendingOf } from "./spending.ts";

const fields = {
  alias: name.nullable().exactOptional(),
  blocked: z.boolean().exactOptional(),
  allowed_model_region: z.enum(["eu", "us"]).nullable().exactOptional(),
  ...boundOrBudgetFields,
};

const kind = ({ collections }: Management): Kind<CustomerRecord> => ({
  collection: collections.customers,
  table: "customers",
  what: "customer",
});

/** The same routes under both names. */
export const customerRoutes: readonly Endpoint[] = ["/customer", "/end_user"].flatMap((base): readonly Endpoint[] => [
  endpoint({
    method: "POST",
    path: `${base}/new`,
    summary: "Make a customer: an end user whom calls name.",
    body: z.strictObject({ user_id: id, spend: z.number().min(0).max(1_000_000_000).exactOptional(), ...fields }),
    async run({ actor, body: { user_id, spend, ...given }, management }) {
      requireAdmin(actor);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const record: CustomerRecord = {
        ...given,
        id: user_id,
        alias: given.alias ?? null,
        blocked: given.blocked ?? false,
        allowed_model_region: given.allowed_model_region ?? null,
        ...made(actor),
      };
      const customer = await create(kind(management), actor, record, management);
      if (spend !== undefined && spend > 0) await startSpend(actor, customer, spend, management);
      return await customerRow(customer, management);
    },
  }),
  endpoint({
    method: "POST",
    path: `${base}/update`,
    summary: "Change a customer: null clears a field, an absent one is left alone.",
    body: z.strictObject({ user_id: id, ...fields }),
    async run({ actor, body: { user_id, ...given }, management }) {
      requireAdmin(actor);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const edit = (now: CustomerRecord): CustomerRecord => ({ ...now, ...given });
      const record = await management.write(() =>
        change(kind(management), actor, user_id, "updated", edit, management),
      );
      return await customerRow(record, management);
    },
  }),
  ...(["block", "unblock"] as const).map((verb) =>
    endpoint({
      method: "POST",
      path: `${base}/${verb}`,
      summary: verb === "block" ? "Refuse calls for these customers." : "Serve calls for these customers again.",
      body: z.strictObject({ user_ids: ids.min(1) }),
      async run({ actor, body: { user_ids }, management }) {
        requireAdmin(actor);
        const edit = (now: CustomerRecord): CustomerRecord => ({ ...now, blocked: verb === "block" });
        const records = await management.write(async () => {
          const done: CustomerRecord[] = [];
          for (const each of user_ids) {
            done.push(await change(kind(management), actor, each, `${verb}ed`, edit, management));
          }
          return done;
        });
        return { blocked_users: await customerRows(records, management) };
      },
    }),
  ),
  endpoint({
    method: "POST",
    path: `${base}/delete`,
    summary: "Delete customers, all or none.",
    body: z.strictObject({ user_ids: ids.min(1) }),
    async run({ actor, body: { user_ids }, management }) {
      requireAdmin(actor);
      await management.write(async () => {
        for (const each of user_ids) await remove(kind(management), actor, each, management);
      });
      return { deleted_customers: user_ids.length, message: `deleted ${user_ids.length}` };
    },
  }),
  endpoint({
    method: "GET",
    path: `${base}/info`,
    summary: "A customer.",
    query: z.strictObject({ end_user_id: id }),
    async run({ actor, query, management }) {
      requireViewer(actor);
      const customer = existing(await management.collections.customers.get(query.end_user_id), "customer");
      return await customerRow(customer, management);
    },
  }),
  endpoint({
    method: "GET",
    path: `${base}/list`,
    summary: "All customers, in parts.",
    query: z.strictObject(partFields),
    async run({ actor, query, management }) {
      requireViewer(actor);
      const { items, total } = await management.collections.customers.list({ ...OLDEST_FIRST, ...rangeOf(query) });
      return partOf(await customerRows(items, management), total, query);
    },
  }),
]);

async function customerRow(customer: CustomerRecord, management: Management): Promise<Record<string, unknown>> {
  return (await customerRows([customer], management))[0] as Record<string, unknown>;
}

async function customerRows(
  customers: readonly CustomerRecord[],
  management: Management,
): Promise<readonly Record<string, unknown>[]> {
  const spending = await spendingOf(
    customers.map((customer) => ({ scope: { kind: "customer", id: customer.id }, bounds: customer })),
    management,
  );
  return customers.map((customer, index) => {
    const { id: user_id, ...rest } = shown(customer);
    return { user_id, ...NO_BOUNDS, default_model: null, ...rest, ...spending[index] };
  });
}
