import { z } from "zod";
import type { TeamRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin, isOrganizationAdmin } from "./actor.ts";
import { deleteKeysOf } from "./delete-keys.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import {
  aliases,
  boundOrBudgetFields,
  duration,
  id,
  ids,
  metadata,
  models,
  name,
  routerSettingsField,
  tags,
} from "./fields.ts";
import { checkBudget } from "./key-create.ts";
import { MEMBER_ROUTES } from "./key-grants.ts";
import { withDefaults } from "./key-policy.ts";
import type { Management } from "./management.ts";
import { made } from "./management.ts";
import { change, checkThere, chosen, create, remove } from "./objects.ts";
import {
  checkSettings,
  ignoredFields,
  mergedSettings,
  settingFields,
  splitSettings,
  withoutIgnored,
} from "./settings.ts";
import { administered, forgetTeam, kind, noteTeam, ruled, rules, teamRow } from "./team-kind.ts";
import { member, membersOf } from "./team-members.ts";

const { max_budget: amount, rpm_limit: rate } = boundOrBudgetFields;

const fields = {
  team_alias: name.nullable().exactOptional(),
  organization_id: id.nullable().exactOptional(),
  team_member_permissions: z.array(z.enum(MEMBER_ROUTES as [string, ...string[]])).exactOptional(),
  models: models.nullable().exactOptional(),
  access_group_ids: ids.exactOptional(),
  model_aliases: aliases.nullable().exactOptional(),
  tags: tags.nullable().exactOptional(),
  blocked: z.boolean().exactOptional(),
  metadata: metadata.nullable().exactOptional(),
  router_settings: routerSettingsField,
  team_member_budget: amount,
  team_member_budget_duration: duration.nullable().exactOptional(),
  team_member_rpm_limit: rate,
  team_member_tpm_limit: rate,
  team_member_key_duration: duration.nullable().exactOptional(),
  ...boundOrBudgetFields,
  ...settingFields,
  ...ignoredFields,
};

/** What an administrator of the team alone may change. */
const OF_THE_TEAM: ReadonlySet<string> = new Set([
  "team_alias",
  "team_member_permissions",
  "model_aliases",
  "metadata",
  "router_settings",
]);

/** `/team/*` */
export const teamRoutes: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/team/new",
    summary: "Make a team.",
    body: z.strictObject({
      team_id: id.exactOptional(),
      members_with_roles: z.array(member).max(1_000).exactOptional(),
      ...fields,
    }),
    async run({ actor, body: { team_id, members_with_roles: people = [], ...whole }, management }) {
      const { settings, rest: asked } = splitSettings(withoutIgnored(whole));
      checkSettings(actor, undefined, settings, management.surroundings.settings);
      const given = withDefaults(asked, management.policy.defaultTeamParams);
      const { organizations } = management.collections;
      const organizationId = given.organization_id ?? null;
      if (!isAdmin(actor)) {
        const organization = organizationId === null ? undefined : await organizations.get(organizationId);
        if (!isOrganizationAdmin(actor, organization)) throw forbidden("teams are made by administrators");
        if (asked.budget_id != null) throw forbidden("budgets are for proxy administrators", "budget_id");
      }
      if (organizationId !== null) await checkThere(organizations, [organizationId], "organization", "organization_id");
      const members = await membersOf(people, "members_with_roles", management);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const record: TeamRecord = {
        ...given,
        id: chosen(team_id, "team_", management),
        team_alias: given.team_alias ?? null,
        organization_id: organizationId,
        members_with_roles: members,
        team_member_permissions: given.team_member_permissions ?? ["/key/info", "/key/list"],
        models: given.models ?? null,
        model_aliases: given.model_aliases ?? {},
        tags: given.tags ?? [],
        blocked: given.blocked ?? false,
        metadata: given.metadata ?? {},
        router_settings: given.router_settings ?? null,
        ...(settings !== undefined && { settings: mergedSettings(undefined, settings) }),
        ...made(actor),
      };
      await management.write(async () => {
        await create(kind(management), actor, record, management);
        for (const { user_id } of members) await noteTeam(user_id, record.id, management);
      });
      return await teamRow(record, management);
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/update",
    summary: "Change a team: null clears a field, an absent one is left alone.",
    body: z.strictObject({ team_id: id, ...fields }),
    async run({ actor, body: { team_id, ...whole }, management }) {
      const { settings, rest: given } = splitSettings(withoutIgnored(whole));
      const before = await administered(actor, team_id, management);
      checkSettings(actor, before.settings, settings, management.surroundings.settings);
      await checkChange(actor, before, given, management);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const cleared = {
        ...(given.metadata === null && { metadata: {} }),
        ...(given.model_aliases === null && { model_aliases: {} }),
        ...(given.tags === null && { tags: [] }),
      };
      const edit = (now: TeamRecord): TeamRecord =>
        ({
          ...now,
          ...given,
          ...cleared,
          ...(settings !== undefined && { settings: mergedSettings(now.settings, settings) }),
        }) as TeamRecord;
      const record = await management.write(() =>
        change(kind(management), actor, team_id, "updated", edit, management),
      );
      return { team_id, data: await teamRow(record, management) };
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/delete",
    summary: "Delete teams with their keys, all or none.",
    body: z.strictObject({ team_ids: ids.min(1) }),
    async run({ actor, body: { team_ids }, management }) {
      for (const team_id of team_ids) await ruled(actor, team_id, management);
      const deleted = await management.write(async () => {
        const teams: TeamRecord[] = [];
        for (const team_id of team_ids) {
          await deleteKeysOf(actor, { team_id }, management);
          const team = await remove(kind(management), actor, team_id, management);
          for (const { user_id } of team.members_with_roles) await forgetTeam(user_id, team_id, management);
          teams.push(team);
        }
        return teams;
      });
      return { deleted_teams: deleted.map(({ id: team_id }) => team_id) };
    },
  }),
  ...(["block", "unblock"] as const).map((verb) =>
    endpoint({
      method: "POST",
      path: `/team/${verb}`,
      summary: verb === "block" ? "Let the keys of a team do nothing." : "Let the keys of a team work again.",
      body: z.strictObject({ team_id: id }),
      async run({ actor, body: { team_id }, management }) {
        await ruled(actor, team_id, management);
        const edit = (now: TeamRecord): TeamRecord => ({ ...now, blocked: verb === "block" });
        return await teamRow(
          await management.write(() => change(kind(management), actor, team_id, `${verb}ed`, edit, management)),
          management,
        );
      },
    }),
  ),
];

async function checkChange(
  actor: Actor,
  team: TeamRecord,
  given: { readonly organization_id?: string | null; readonly budget_id?: string | null },
  management: Management,
): Promise<void> {
  const { organizations } = management.collections;
  if (given.organization_id != null) {
    await checkThere(organizations, [given.organization_id], "organization", "organization_id");
  }
  if (isAdmin(actor)) return;
  if (given.organization_id !== undefined)
    throw forbidden("teams are moved by proxy administrators", "organization_id");
  if (given.budget_id != null) throw forbidden("budgets are for proxy administrators", "budget_id");
  if (await rules(actor, team, management)) return;
  const wrong = Object.keys(given).find((field) => !OF_THE_TEAM.has(field));
  if (wrong !== undefined) throw forbidden(`${wrong} is for administrators above the team`, wrong);
}
