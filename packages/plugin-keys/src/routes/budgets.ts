import { z } from "zod";
import { GatewayError } from "@signalbox/kernel";
import type { BudgetRecord } from "../records/records.ts";
import { requireAdmin, requireViewer } from "./actor.ts";
import { partFields, partOf, rangeOf } from "./answer.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { boundFields, id, ids } from "./fields.ts";
import type { Management } from "./management.ts";
import { existing, made, shown } from "./management.ts";
import type { Kind } from "./objects.ts";
import { change, chosen, create, OLDEST_FIRST, remove } from "./objects.ts";
import { NO_BOUNDS } from "./spending.ts";

const kind = ({ collections }: Management): Kind<BudgetRecord> => ({
  collection: collections.budgets,
  table: "budgets",
  what: "budget",
});

/** `/budget/*`: budgets and limits that keys, users, teams and the like refer to. */
export const budgetRoutes: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/budget/new",
    summary: "Make a budget that others refer to.",
    body: z.strictObject({ budget_id: id.exactOptional(), ...boundFields }),
    async run({ actor, body: { budget_id, ...given }, management }) {
      requireAdmin(actor);
      const record: BudgetRecord = { ...given, id: chosen(budget_id, "budget_", management), ...made(actor) };
      return budgetRow(await create(kind(management), actor, record, management));
    },
  }),
  endpoint({
    method: "POST",
    path: "/budget/update",
    summary: "Change a budget: null clears a field, an absent one is left alone.",
    body: z.strictObject({ budget_id: id, ...boundFields }),
    async run({ actor, body: { budget_id, ...given }, management }) {
      requireAdmin(actor);
      const edit = (now: BudgetRecord): BudgetRecord => ({ ...now, ...given });
      return budgetRow(
        await management.write(() => change(kind(management), actor, budget_id, "updated", edit, management)),
      );
    },
  }),
  endpoint({
    method: "POST",
    path: "/budget/info",
    summary: "Some budgets.",
    body: z.strictObject({ budgets: ids.min(1) }),
    async run({ actor, body: { budgets }, management }) {
      requireViewer(actor);
      const rows: unknown[] = [];
      for (const each of budgets)
        rows.push(budgetRow(existing(await management.collections.budgets.get(each), "budget")));
      return rows;
    },
  }),
  endpoint({
    method: "GET",
    path: "/budget/list",
    summary: "All budgets, in parts.",
    query: z.strictObject(partFields),
    async run({ actor, query, management }) {
      requireViewer(actor);
      const { items, total } = await management.collections.budgets.list({ ...OLDEST_FIRST, ...rangeOf(query) });
      return partOf(items.map(budgetRow), total, query);
    },
  }),
  endpoint({
    method: "GET",
    path: "/budget/settings",
    summary: "The fields of a budget: what each means, and what this one says.",
    query: z.strictObject({ budget_id: id }),
    async run({ actor, query: { budget_id }, management }) {
      requireViewer(actor);
      const budget = existing(await management.collections.budgets.get(budget_id), "budget");
      return SETTINGS.map(([field_name, field_type, field_description]) => ({
        field_name,
        field_type,
        field_description,
        field_value: budget[field_name] ?? null,
        stored_in_db: budget[field_name] !== undefined && budget[field_name] !== null,
        field_default_value: null,
      }));
    },
  }),
  endpoint({
    method: "POST",
    path: "/budget/delete",
    summary: "Delete a budget that nobody refers to.",
    body: z.strictObject({ id }),
    async run({ actor, body, management }) {
      requireAdmin(actor);
      const { keys, users, teams, organizations, customers, tags } = management.collections;
      return await management.write(async () => {
        // whoever refers to it would be without a limit
        for (const collection of [keys, users, teams, organizations, customers, tags]) {
          const { total } = await collection.list({ where: { budget_id: body.id }, limit: 1 });
          if (total > 0) throw new GatewayError("conflict", "this budget is in use", { param: "id" });
        }
        return budgetRow(await remove(kind(management), actor, body.id, management));
      });
    },
  }),
];

/** What people set. */
const SETTINGS = [
  ["max_budget", "Float", "US dollars that may be spent; 0: none."],
  ["soft_budget", "Float", "US dollars that are told of when they are spent."],
  ["budget_duration", "String", "How long until the budget begins anew: 24h, 7d, 1mo."],
  ["max_parallel_requests", "Integer", "Calls at the same time."],
  ["tpm_limit", "Integer", "Tokens per minute."],
  ["rpm_limit", "Integer", "Calls per minute."],
  ["model_max_budget", "Object", "Budgets of single models."],
] as const;

function budgetRow(budget: BudgetRecord): Record<string, unknown> {
  const { id: budget_id, ...rest } = shown(budget);
  const { budget_id: _, ...none } = NO_BOUNDS;
  return { budget_id, ...none, ...rest };
}
