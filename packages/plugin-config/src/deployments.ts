import { createHash } from "node:crypto";
import type { Deployment, Provider } from "@signalbox/kernel";
import { isGatewayError, Secret } from "@signalbox/kernel";
import type { ModelParams, ModelValues } from "./config-values.ts";
import type { Variables } from "./environment.ts";
import type { FoundModel } from "./model-string.ts";
import { findModel } from "./model-string.ts";
import type { ProviderCatalog } from "./provider-catalog.ts";
import type { KeyPath, Source } from "./source.ts";
import { milliseconds } from "./timeouts.ts";

export interface DeploymentContext {
  readonly catalog: ProviderCatalog;
  readonly variables: Variables;
  readonly source: Source;
}

export interface ListedDeployments {
  readonly deployments: readonly Deployment[];
  /** Providers that the deployments need. */
  readonly providers: readonly Provider[];
}

interface Row {
  readonly index: number;
  readonly deployment: Deployment;
  readonly order: number;
}

/** The deployments of `model_list`, lower orders first within their groups. */
export function listDeployments(
  models: readonly (ModelValues | undefined)[],
  context: DeploymentContext,
): ListedDeployments {
  const rows: Row[] = [];
  const providers = new Set<Provider>();
  const identities = new Map<string, number>();
  for (const [index, model] of models.entries()) {
    const found = model === undefined ? undefined : readModel(model, index, context);
    if (model?.litellm_params === undefined || found === undefined) continue;
    providers.add(found.provider);
    const { model_name: name = "", litellm_params: params } = model;
    const accounts = params.organization ?? [undefined];
    for (const [ordinal, organization] of accounts.entries()) {
      const explicit = model.model_info?.id;
      const id =
        explicit === undefined
          ? derivedId([name, found.provider.name, found.upstreamModel, params.api_base ?? ""], identities)
          : accounts.length === 1
            ? explicit
            : `${explicit}-${ordinal + 1}`;
      const deployment = makeDeployment(id, name, found, params, organization, context);
      validate(found, deployment, index, context);
      rows.push({ index, deployment, order: params.order ?? 0 });
    }
  }
  reportDuplicates(rows, context.source);
  rows.sort((one, other) => one.order - other.order);
  return { deployments: rows.map(({ deployment }) => deployment), providers: [...providers] };
}

function readModel(entry: ModelValues, index: number, context: DeploymentContext): FoundModel | undefined {
  const { source, catalog } = context;
  const at: KeyPath = ["model_list", index];
  const params: KeyPath = [...at, "litellm_params"];
  const { model_name: name, litellm_params: { model, custom_llm_provider: forced, organization } = {} } = entry;
  source.missing(at, "model_name");
  source.missing(at, "litellm_params");
  if (entry.litellm_params !== undefined) source.missing(params, "model");
  if (name === undefined || model === undefined) return undefined;
  const star = name.indexOf("*");
  if (star >= 0 && star < name.length - 1) {
    const message = 'has a wildcard in the middle; it stands at the end only, as in "openai/*"';
    source.problem([...at, "model_name"], message);
    return undefined;
  }
  if (star < 0 && model.includes("*")) {
    const message = `has a wildcard, but the model_name ${JSON.stringify(name)} has none; name one model`;
    source.problem([...params, "model"], message);
    return undefined;
  }
  try {
    const found = findModel(model, forced, catalog);
    if (organization === undefined || found.slug === "openai") return found;
    source.problem([...params, "organization"], `is a setting of openai, not of ${found.slug}`);
  } catch (error) {
    const key = forced === undefined ? "model" : "custom_llm_provider";
    source.problem([...params, key], (error as Error).message);
  }
  return undefined;
}

/** Name, provider, model and address: what stays the same when a key is changed. Equal entries are counted. */
function derivedId(identity: readonly string[], seen: Map<string, number>): string {
  const id = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 16);
  const count = (seen.get(id) ?? 0) + 1;
  seen.set(id, count);
  return count === 1 ? id : `${id}-${count}`;
}

function makeDeployment(
  id: string,
  model: string,
  found: FoundModel,
  params: ModelParams,
  organization: string | undefined,
  context: DeploymentContext,
): Deployment {
  const apiKey = params.api_key ?? usualKey(found.slug, context);
  const headers = {
    ...params.extra_headers,
    ...(organization !== undefined && { "openai-organization": organization }),
  };
  return {
    id,
    model,
    provider: found.provider.name,
    upstreamModel: found.upstreamModel,
    ...(apiKey !== undefined && { apiKey: new Secret(apiKey) }),
    ...(params.api_base !== undefined && { baseUrl: params.api_base }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(params.timeout !== undefined && { timeoutMs: milliseconds(params.timeout) }),
    ...(params.stream_timeout !== undefined && { streamTimeoutMs: milliseconds(params.stream_timeout) }),
    ...(params.drop_params !== undefined && { dropParams: params.drop_params }),
    ...(params.additional_drop_params !== undefined && { additionalDropParams: params.additional_drop_params }),
    ...(params.allowed_openai_params !== undefined && { allowedParams: params.allowed_openai_params }),
    ...(params.extra_body !== undefined && { extraBody: params.extra_body }),
    ...(params.order !== undefined && { order: params.order }),
  };
}

function usualKey(slug: string, { catalog, variables }: DeploymentContext): string | undefined {
  for (const name of catalog.keyVariables?.(slug) ?? []) {
    const value = variables.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The provider's own check, at the entry's place. What follows from a problem that is known is not reported again. */
function validate(found: FoundModel, deployment: Deployment, index: number, context: DeploymentContext): void {
  const { source, catalog } = context;
  if (source.faulty(["model_list", index])) return;
  try {
    found.provider.validate?.(deployment);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    const variables = deployment.apiKey === undefined ? (catalog.keyVariables?.(found.slug) ?? []) : [];
    const hint = variables.length === 0 ? undefined : `set api_key, or the variable ${variables.join(" or ")}`;
    source.problem(["model_list", index, "litellm_params"], error.message, hint);
  }
}

function reportDuplicates(rows: readonly Row[], source: Source): void {
  const owners = new Map<string, number>();
  for (const { index, deployment } of rows) {
    const first = owners.get(deployment.id);
    if (first === undefined) owners.set(deployment.id, index);
    else source.problem(["model_list", index, "model_info", "id"], `is the id of model_list[${first}] too`);
  }
}
