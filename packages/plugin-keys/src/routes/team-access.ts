import { z } from "zod";
import { GatewayError } from "@signalbox/kernel";
import type { TeamRecord } from "../records/records.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { id, models } from "./fields.ts";
import { MEMBER_ROUTES } from "./key-grants.ts";
import { administered, edited, ruled, teamRow, visibleTeam } from "./team-kind.ts";

const permissions = z.array(z.enum(MEMBER_ROUTES as [string, ...string[]]));
const callback = z.strictObject({
  callback_name: id,
  callback_type: z.enum(["success", "failure", "success_and_failure"]).default("success_and_failure"),
  callback_vars: z.record(id, z.string().max(4_096)).exactOptional(),
});

/** Where a team keeps what it wants to be logged. */
const LOGGING = "logging";

/** What a team may use, and what its calls are told to. */
export const teamAccessRoutes: readonly Endpoint[] = [
  ...(["add", "delete"] as const).map((verb) =>
    endpoint({
      method: "POST",
      path: `/team/model/${verb}`,
      summary: verb === "add" ? "Let a team use more models." : "Let a team use fewer models.",
      body: z.strictObject({ team_id: id, models: models.min(1) }),
      async run({ actor, body: { team_id, models: named }, management }) {
        await ruled(actor, team_id, management);
        const edit = (now: TeamRecord): TeamRecord => ({ ...now, models: withModels(now.models, named, verb) });
        return await teamRow(await edited(actor, team_id, "updated", edit, management), management);
      },
    }),
  ),
  endpoint({
    method: "GET",
    path: "/team/permissions_list",
    summary: "What members of a team may do with its keys.",
    query: z.strictObject({ team_id: id }),
    async run({ actor, query: { team_id }, management }) {
      return permissionsOf(await visibleTeam(actor, team_id, management));
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/permissions_update",
    summary: "Change what members of a team may do with its keys.",
    body: z.strictObject({ team_id: id, team_member_permissions: permissions }),
    async run({ actor, body: { team_id, team_member_permissions }, management }) {
      await administered(actor, team_id, management);
      const edit = (now: TeamRecord): TeamRecord => ({ ...now, team_member_permissions });
      return permissionsOf(await edited(actor, team_id, "updated", edit, management));
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/:team_id/callback",
    summary: "Tell a logging service about the calls of a team.",
    body: callback,
    async run({ actor, body, params, management }) {
      const team = await ruled(actor, params.team_id ?? "", management);
      management.checkSettings({ [LOGGING]: [body] });
      const edit = (now: TeamRecord): TeamRecord => ({
        ...now,
        settings: {
          ...now.settings,
          [LOGGING]: [...loggingOf(now).filter((one) => one.callback_name !== body.callback_name), body],
        },
      });
      return { status: "success", data: callbacksOf(await edited(actor, team.id, "updated", edit, management)) };
    },
  }),
  endpoint({
    method: "GET",
    path: "/team/:team_id/callback",
    summary: "The logging services that are told about the calls of a team. Their secrets are not shown.",
    async run({ actor, params, management }) {
      const team = await administered(actor, params.team_id ?? "", management);
      return { status: "success", data: callbacksOf(team) };
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/:team_id/disable_logging",
    summary: "Tell no logging service about the calls of a team any more.",
    async run({ actor, params, management }) {
      const team = await ruled(actor, params.team_id ?? "", management);
      const edit = (now: TeamRecord): TeamRecord => ({ ...now, settings: { ...now.settings, [LOGGING]: [] } });
      const after = await edited(actor, team.id, "updated", edit, management);
      return { status: "success", message: "logging is off for this team", data: callbacksOf(after) };
    },
  }),
];

/** @throws {GatewayError} `invalid_request` where a team is not bound to any models */
function withModels(
  now: readonly string[] | null,
  named: readonly string[],
  verb: "add" | "delete",
): readonly string[] {
  if (now === null) {
    const message = "this team may use all models of its organization; bind it with /team/update first";
    throw new GatewayError("invalid_request", message, { param: "models" });
  }
  return verb === "add" ? [...new Set([...now, ...named])] : now.filter((model) => !named.includes(model));
}

function permissionsOf(team: TeamRecord): Record<string, unknown> {
  return {
    team_id: team.id,
    team_member_permissions: team.team_member_permissions,
    all_available_permissions: MEMBER_ROUTES,
  };
}

type Callback = z.infer<typeof callback>;

function loggingOf(team: TeamRecord): readonly Callback[] {
  return (team.settings?.[LOGGING] ?? []) as readonly Callback[];
}

function callbacksOf(team: TeamRecord): Record<string, unknown> {
  const named = (type: "success" | "failure"): readonly string[] =>
    loggingOf(team)
      .filter(({ callback_type: own }) => own === type || own === "success_and_failure")
      .map(({ callback_name: name }) => name);
  const variables = loggingOf(team).flatMap(({ callback_vars: own }) => Object.keys(own ?? {}));
  return {
    team_id: team.id,
    success_callbacks: named("success"),
    failure_callbacks: named("failure"),
    callback_vars: Object.fromEntries(variables.map((name) => [name, "***"])),
  };
}
