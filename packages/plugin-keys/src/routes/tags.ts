import { z } from "zod";
import type { TagRecord } from "../records/records.ts";
import { requireAdmin, requireViewer } from "./actor.ts";
import { partFields, partOf, rangeOf } from "./answer.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { boundOrBudgetFields, id } from "./fields.ts";
import { checkBudget } from "./key-create.ts";
import type { Management } from "./management.ts";
import { existing, made, shown } from "./management.ts";
import type { Kind } from "./objects.ts";
import { change, create, OLDEST_FIRST, remove } from "./objects.ts";
import { NO_BOUNDS, spendingOf } from "./spending.ts";

const fields = { description: z.string().max(1_024).nullable().exactOptional(), ...boundOrBudgetFields };

const kind = ({ collections }: Management): Kind<TagRecord> => ({
  collection: collections.tags,
  table: "tags",
  what: "tag",
});

/** `/tag/*`: what the calls that bear a tag may spend. */
export const tagRoutes: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/tag/new",
    summary: "Give a tag budgets and limits.",
    body: z.strictObject({ name: id, ...fields }),
    async run({ actor, body: { name, ...given }, management }) {
      requireAdmin(actor);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const record: TagRecord = { ...given, id: name, description: given.description ?? null, ...made(actor) };
      return await tagRow(await create(kind(management), actor, record, management), management);
    },
  }),
  endpoint({
    method: "POST",
    path: "/tag/update",
    summary: "Change a tag: null clears a field, an absent one is left alone.",
    body: z.strictObject({ name: id, ...fields }),
    async run({ actor, body: { name, ...given }, management }) {
      requireAdmin(actor);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const edit = (now: TagRecord): TagRecord => ({ ...now, ...given });
      const record = await management.write(() => change(kind(management), actor, name, "updated", edit, management));
      return await tagRow(record, management);
    },
  }),
  endpoint({
    method: "POST",
    path: "/tag/delete",
    summary: "Take budgets and limits from a tag.",
    body: z.strictObject({ name: id }),
    async run({ actor, body: { name }, management }) {
      requireAdmin(actor);
      await management.write(() => remove(kind(management), actor, name, management));
      return { message: "deleted", name };
    },
  }),
  endpoint({
    method: "POST",
    path: "/tag/info",
    summary: "Some tags, by name.",
    body: z.strictObject({ names: z.array(id).min(1).max(100) }),
    async run({ actor, body: { names }, management }) {
      requireViewer(actor);
      const rows: Record<string, unknown> = {};
      for (const name of names) {
        rows[name] = await tagRow(existing(await management.collections.tags.get(name), "tag"), management);
      }
      return rows;
    },
  }),
  endpoint({
    method: "GET",
    path: "/tag/list",
    summary: "All tags that have budgets or limits, in parts.",
    query: z.strictObject(partFields),
    async run({ actor, query, management }) {
      requireViewer(actor);
      const { items, total } = await management.collections.tags.list({ ...OLDEST_FIRST, ...rangeOf(query) });
      return partOf(await tagRows(items, management), total, query);
    },
  }),
];

async function tagRow(tag: TagRecord, management: Management): Promise<Record<string, unknown>> {
  return (await tagRows([tag], management))[0] as Record<string, unknown>;
}

async function tagRows(
  tags: readonly TagRecord[],
  management: Management,
): Promise<readonly Record<string, unknown>[]> {
  const spending = await spendingOf(
    tags.map((tag) => ({ scope: { kind: "tag", id: tag.id }, bounds: tag })),
    management,
  );
  return tags.map((tag, index) => {
    const { id: name, ...rest } = shown(tag);
    return { name, ...NO_BOUNDS, ...rest, ...spending[index] };
  });
}
