import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin } from "./actor.ts";
import type { Optional } from "./fields.ts";

type Settings = Readonly<Record<string, unknown>>;

const names = z.array(z.string().min(1).max(256)).max(100);
const object = z.record(z.string().max(256), z.unknown());
const objectPermission = z.strictObject({
  vector_stores: names.exactOptional(),
  mcp_servers: names.exactOptional(),
  mcp_access_groups: names.exactOptional(),
  mcp_tool_permissions: z.record(z.string(), names).exactOptional(),
  agents: names.exactOptional(),
  agent_access_groups: names.exactOptional(),
});
const indexes = z.array(
  z.strictObject({ index_name: z.string().min(1).max(256), index_permissions: z.array(z.enum(["read", "write"])) }),
);

/** What of the gateway reads settings. */
export interface SettingReaders {
  /** Names of those that somebody reads. */
  readonly fields: ReadonlySet<string>;
  /** Names of the guardrails that there are. */
  readonly guardrails: readonly string[];
}

/** Shapes of `settingFields`. */
export type SettingFields = { readonly [Name in keyof typeof READERS]: Optional<unknown> };

/** What reads each of these fields. What nobody reads in this gateway is refused, unless it asks for nothing. */
const READERS = {
  guardrails: "a guardrail plugin",
  disable_global_guardrails: "a guardrail plugin",
  policies: "a guardrail plugin",
  permissions: "the gateway: modify_guardrails",
  prompts: "a plugin that manages prompts",
  object_permission: "a plugin of MCP servers, agents or vector stores",
  allowed_cache_controls: "a cache plugin",
  allowed_passthrough_routes: "a plugin of pass-through routes",
  allowed_vector_store_indexes: "a plugin of vector stores",
  enforced_params: "a plugin of request policies",
  config: "no plugin: settings of a key are fields of their own",
  auto_rotate: "no plugin: give a key another secret with POST /key/{key}/regenerate and a grace_period",
  rotation_interval: "no plugin: give a key another secret with POST /key/{key}/regenerate and a grace_period",
  send_invite_email: "no plugin: invitations are not sent",
} as const;

/** Fields of keys and teams that plugins read: kept, shown, and carried to them in `Principal.settings`. */
export const settingFields: SettingFields = {
  guardrails: names.nullable().exactOptional(),
  disable_global_guardrails: z.boolean().nullable().exactOptional(),
  policies: names.nullable().exactOptional(),
  permissions: z
    .strictObject({ modify_guardrails: z.union([z.boolean(), names]).exactOptional() })
    .nullable()
    .exactOptional(),
  prompts: names.nullable().exactOptional(),
  object_permission: objectPermission.nullable().exactOptional(),
  allowed_cache_controls: names.nullable().exactOptional(),
  allowed_passthrough_routes: names.nullable().exactOptional(),
  allowed_vector_store_indexes: indexes.nullable().exactOptional(),
  enforced_params: names.nullable().exactOptional(),
  config: object.nullable().exactOptional(),
  auto_rotate: z.boolean().nullable().exactOptional(),
  rotation_interval: z.string().max(32).nullable().exactOptional(),
  send_invite_email: z.boolean().nullable().exactOptional(),
};

/** Fields of teams that say how something is done, of which one way is ours. */
export const ignoredFields: {
  readonly tpm_limit_type: Optional<"best_effort_throughput" | null>;
  readonly rpm_limit_type: Optional<"best_effort_throughput" | null>;
} = {
  tpm_limit_type: onlyBestEffort(),
  rpm_limit_type: onlyBestEffort(),
};

/** What is left of a team's fields without them. */
export function withoutIgnored<Given extends object>(given: Given): Omit<Given, keyof typeof ignoredFields> {
  const {
    tpm_limit_type: _,
    rpm_limit_type: __,
    ...rest
  } = given as Given & Record<keyof typeof ignoredFields, unknown>;
  return rest as Omit<Given, keyof typeof ignoredFields>;
}

function onlyBestEffort(): Optional<"best_effort_throughput" | null> {
  return z
    .literal("best_effort_throughput", "limits are shared out as they are used: best_effort_throughput")
    .nullable()
    .exactOptional();
}

/** A request's settings, and the rest of it. */
export function splitSettings<Given extends object>(
  given: Given,
): { readonly settings: Settings | undefined; readonly rest: Omit<Given, keyof SettingFields> } {
  const settings: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(READERS, name)) settings[name] = value;
    else rest[name] = value;
  }
  return {
    settings: Object.keys(settings).length === 0 ? undefined : settings,
    rest: rest as Omit<Given, keyof SettingFields>,
  };
}

/** Settings after a change: what asks for nothing clears one. */
export function mergedSettings(before: Settings | undefined, given: Settings | undefined): Settings {
  const merged = { ...before, ...given };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => !isNothing(value)));
}

/**
 * What plugins are told about a key or a team is for administrators to say, and for a plugin to read.
 *
 * @throws {GatewayError} `unsupported_parameter`, `route_not_allowed`, `invalid_request`
 */
export function checkSettings(
  actor: Actor,
  before: Settings | undefined,
  given: Settings | undefined,
  { fields, guardrails }: SettingReaders,
): void {
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!isNothing(value) && !fields.has(name)) throw unread(name);
    const same = JSON.stringify(before?.[name] ?? null) === JSON.stringify(value);
    if (!isAdmin(actor) && !same && !(isNothing(before?.[name]) && isNothing(value))) {
      throw forbidden(`${name} is for proxy administrators`, name);
    }
    if (name === "guardrails" && !same) checkGuardrails(value as readonly string[] | null, guardrails);
  }
}

/** One that is not there would let no call of the key pass. */
function checkGuardrails(wanted: readonly string[] | null, known: readonly string[]): void {
  const unknown = (wanted ?? []).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const there = known.length === 0 ? "this gateway has none" : `this gateway has ${known.join(", ")}`;
  const message = `there is no guardrail ${JSON.stringify(unknown)}; ${there}.${didYouMean(unknown, known)}`;
  throw new GatewayError("invalid_request", message, { param: "guardrails" });
}

/** Of objects whose settings reach no plugin. @throws {GatewayError} `unsupported_parameter` */
export function requireUnset(name: keyof typeof READERS, value: unknown): void {
  if (!isNothing(value)) throw unread(name);
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** Accepted, it would be without effect. */
export function unread(name: string): GatewayError {
  const reader = Object.hasOwn(READERS, name) ? READERS[name as keyof typeof READERS] : "a logging plugin";
  return new GatewayError("unsupported_parameter", `${name} has no effect in this gateway: it is read by ${reader}`, {
    param: name,
  });
}
