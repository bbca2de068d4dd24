import { z } from "zod";
import { GatewayError } from "@signalbox/kernel";
import type { BudgetRecord } from "../records/records.ts";
import { requireAdmin, requireViewer } from "./actor.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { boundFields, id, ids } from "./fields.ts";
import type { Management } from "./management.ts";
import { existing, made, shown } from "./management.ts";
import type { Kind } from "./objects.ts";
import { all, change, chosen, create, remove } from "./objects.ts";

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
    summary: "All budgets.",
    async run({ actor, management }) {
      requireViewer(actor);
      return (await all(management.collections.budgets, {})).map(budgetRow);
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

function budgetRow(budget: BudgetRecord): Record<string, unknown> {
  const { id: budget_id, ...rest } = shown(budget);
  return { budget_id, ...rest };
}
