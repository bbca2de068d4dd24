import { z } from "zod";
import { GatewayError, grants } from "@signalbox/kernel";
import { isSpecial } from "../auth/model-grants.ts";
import type { AccessGroupRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { requireAdmin, requireViewer } from "./actor.ts";
import { partFields, rangeOf } from "./answer.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { id, models } from "./fields.ts";
import type { Management } from "./management.ts";
import { existing, made } from "./management.ts";
import type { Kind } from "./objects.ts";
import { change, create, OLDEST_FIRST, remove } from "./objects.ts";

const kind = ({ collections }: Management): Kind<AccessGroupRecord> => ({
  collection: collections.accessGroups,
  table: "access_groups",
  what: "access group",
});

const description = z.string().max(1_024).nullable().exactOptional();

/** Names for several models, to be granted like one. */
export const accessGroupRoutes: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/access_group/new",
    summary: "Give several models one name, which keys, users, teams and organizations can be granted.",
    body: z.strictObject({ access_group: id, model_names: models.min(1), description }),
    async run({ actor, body: { access_group, ...given }, management }) {
      return rowOf(await make(actor, access_group, given, management), management);
    },
  }),
  endpoint({
    method: "GET",
    path: "/access_group/list",
    summary: "The groups of models.",
    query: z.strictObject(partFields),
    async run({ actor, query, management }) {
      return { access_groups: (await list(actor, query, management)).map((group) => rowOf(group, management)) };
    },
  }),
  endpoint({
    method: "GET",
    path: "/access_group/:name/info",
    summary: "A group of models.",
    run: async ({ actor, params, management }) => rowOf(await group(actor, params.name, management), management),
  }),
  endpoint({
    method: "PUT",
    path: "/access_group/:name/update",
    summary: "Change which models a group has: for all that are granted it.",
    body: z.strictObject({ model_names: models.min(1).exactOptional(), description }),
    run: async ({ actor, body, params, management }) =>
      rowOf(await edited(actor, params.name, body, management), management),
  }),
  endpoint({
    method: "DELETE",
    path: "/access_group/:name/delete",
    summary: "Delete a group of models: its name grants nothing any more.",
    async run({ actor, params, management }) {
      const { id: access_group } = await deleted(actor, params.name, management);
      return { access_group, message: "deleted" };
    },
  }),
  endpoint({
    method: "POST",
    path: "/v1/access_group",
    summary: "Give several models one name.",
    body: z.strictObject({ access_group_name: id, access_model_names: models.min(1), description }),
    async run({ actor, body: { access_group_name: name, access_model_names, ...rest }, management }) {
      return objectOf(await make(actor, name, { model_names: access_model_names, ...rest }, management));
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/access_group",
    summary: "The groups of models.",
    query: z.strictObject(partFields),
    run: async ({ actor, query, management }) => (await list(actor, query, management)).map(objectOf),
  }),
  endpoint({
    method: "GET",
    path: "/v1/access_group/:name",
    summary: "A group of models.",
    run: async ({ actor, params, management }) => objectOf(await group(actor, params.name, management)),
  }),
  endpoint({
    method: "PUT",
    path: "/v1/access_group/:name",
    summary: "Change a group of models.",
    body: z.strictObject({ access_model_names: models.min(1).exactOptional(), description }),
    async run({ actor, body: { access_model_names: names, ...rest }, params, management }) {
      const changes = { ...rest, ...(names !== undefined && { model_names: names }) };
      return objectOf(await edited(actor, params.name, changes, management));
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/v1/access_group/:name",
    summary: "Delete a group of models.",
    run: async ({ actor, params, management }) => objectOf(await deleted(actor, params.name, management)),
  }),
];

interface Given {
  readonly model_names: readonly string[];
  readonly description?: string | null;
}

/** @throws {GatewayError} `conflict` for a name that stands for something already */
async function make(actor: Actor, name: string, given: Given, management: Management): Promise<AccessGroupRecord> {
  requireAdmin(actor);
  const { models: table } = management.surroundings;
  // a grant of the model would turn into one of the group
  if (name.includes("*") || table.names().includes(name) || isSpecial(name)) {
    throw new GatewayError("conflict", "this is the name of a model", { param: "access_group" });
  }
  checkPlain(given.model_names);
  const record: AccessGroupRecord = {
    id: name,
    model_names: given.model_names,
    description: given.description ?? null,
    ...made(actor),
  };
  return await create(kind(management), actor, record, management);
}

/** Groups hold models: neither other groups, which would not be looked up, nor names that depend on who asks. */
function checkPlain(names: readonly string[]): void {
  if (!names.some(isSpecial)) return;
  throw new GatewayError("invalid_request", "a group holds names of models and wildcards", { param: "model_names" });
}

async function list(
  actor: Actor,
  query: { readonly page: number; readonly size: number },
  { collections: { accessGroups } }: Management,
): Promise<readonly AccessGroupRecord[]> {
  requireViewer(actor);
  return (await accessGroups.list({ ...OLDEST_FIRST, ...rangeOf(query) })).items;
}

async function group(actor: Actor, name: string | undefined, management: Management): Promise<AccessGroupRecord> {
  requireViewer(actor);
  return existing(await management.collections.accessGroups.get(name ?? ""), "access group");
}

async function edited(
  actor: Actor,
  name: string | undefined,
  given: Partial<Given>,
  management: Management,
): Promise<AccessGroupRecord> {
  requireAdmin(actor);
  checkPlain(given.model_names ?? []);
  const edit = (now: AccessGroupRecord): AccessGroupRecord => ({ ...now, ...given });
  return await management.write(() => change(kind(management), actor, name ?? "", "updated", edit, management));
}

async function deleted(actor: Actor, name: string | undefined, management: Management): Promise<AccessGroupRecord> {
  requireAdmin(actor);
  return await management.write(() => remove(kind(management), actor, name ?? "", management));
}

function rowOf(
  { id: access_group, model_names, description: text }: AccessGroupRecord,
  management: Management,
): unknown {
  const all = management.surroundings.models.all();
  const count = all.filter(({ model }) => model_names.some((name) => grants(name, model))).length;
  return { access_group, model_names, description: text, deployment_count: count };
}

function objectOf({ id: name, model_names: access_model_names, ...rest }: AccessGroupRecord): Record<string, unknown> {
  return { access_group_id: name, access_group_name: name, access_model_names, ...rest };
}
