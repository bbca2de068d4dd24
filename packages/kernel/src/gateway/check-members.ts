import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import { MOMENTS } from "../moments.ts";
import { didYouMean, nearest } from "../nearest.ts";
import type { Plugin } from "../plugin.ts";

// A guardrail under a misspelt name would check nothing, and nobody would notice.

const PLUGIN: readonly string[] = Object.keys({
  name: true,
  requires: true,
  providers: true,
  dialects: true,
  routes: true,
  guardrails: true,
  authenticator: true,
  router: true,
  strategy: true,
  selectors: true,
  sharedState: true,
  cache: true,
  ledger: true,
  pricing: true,
  limitStore: true,
  reservationStore: true,
  entryStore: true,
  recordStore: true,
  start: true,
  transport: true,
  layers: true,
  on: true,
  extensions: true,
  setup: true,
  check: true,
  close: true,
} satisfies Record<keyof Plugin, true>);

const DEPLOYMENT: readonly string[] = Object.keys({
  id: true,
  model: true,
  provider: true,
  upstreamModel: true,
  apiKey: true,
  baseUrl: true,
  headers: true,
  timeoutMs: true,
  streamTimeoutMs: true,
  idleTimeoutMs: true,
  dropParams: true,
  additionalDropParams: true,
  allowedParams: true,
  extraBody: true,
  weight: true,
  order: true,
  rpm: true,
  tpm: true,
  maxParallel: true,
  maxRetries: true,
  teamId: true,
  region: true,
  tags: true,
  settings: true,
  info: true,
} satisfies Record<keyof Deployment, true>);

const NAMES = ["id", "model", "provider", "upstreamModel"] as const satisfies readonly (keyof Deployment)[];

/**
 * Refuses misspelt members and unknown moments of a plugin. It may carry members of its own, for the application, as
 * long as they do not look like one of ours.
 */
export function checkPluginMembers(plugin: Plugin): void {
  const owner = `plugin ${JSON.stringify(plugin.name)}`;
  for (const member of Object.keys(plugin)) {
    if (PLUGIN.includes(member) || nearest(member, PLUGIN).length === 0) continue;
    const message = `${owner} has a member ${JSON.stringify(member)}, which has no effect.${didYouMean(member, PLUGIN)}`;
    throw new GatewayError("option_invalid", message, { source: plugin.name, param: "plugins" });
  }
  for (const moment of Object.keys(plugin.on ?? {})) {
    if ((MOMENTS as readonly string[]).includes(moment)) continue;
    const message =
      `${owner} observes ${JSON.stringify(moment)}, which does not exist; ` +
      `the moments are ${MOMENTS.join(", ")}.${didYouMean(moment, MOMENTS)}`;
    throw new GatewayError("option_invalid", message, { source: plugin.name, param: "plugins" });
  }
}

/** Refuses unknown members, and names that are missing. What a plugin or provider reads stands in `settings` or `info`. */
export function checkDeploymentMembers(deployment: Deployment): void {
  const named = `deployment ${JSON.stringify(deployment.id ?? deployment.model ?? "")}`;
  for (const member of Object.keys(deployment)) {
    if (DEPLOYMENT.includes(member)) continue;
    const message = `${named} has an unknown member ${JSON.stringify(member)}.${didYouMean(member, DEPLOYMENT)}`;
    throw new GatewayError("deployment_invalid", message, { param: "deployments" });
  }
  for (const name of NAMES) {
    if (typeof deployment[name] === "string" && deployment[name] !== "") continue;
    throw new GatewayError("deployment_invalid", `${named} has no ${name}; give it one`, { param: "deployments" });
  }
}
