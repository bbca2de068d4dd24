import { createHash } from "node:crypto";
import type { Deployment, Provider } from "@signalbox/kernel";
import { isGatewayError } from "@signalbox/kernel";
import { PRICE_FIELDS, SHAPED_PRICE_FIELDS } from "./catalogue/price-fields.ts";
import type { ModelValues } from "./config-values.ts";
import { isContentRouter } from "./content-routers.ts";
import type { Variables } from "./environment.ts";
import { makeDeployment } from "./make-deployment.ts";
import type { FoundModel } from "./model-string.ts";
import { findModel } from "./model-string.ts";
import type { ProviderCatalog } from "./provider-catalog.ts";
import { publicName } from "./public-names.ts";
import type { Row } from "./shares.ts";
import type { KeyPath, Source } from "./source.ts";

export interface DeploymentContext {
  readonly catalog: ProviderCatalog;
  readonly variables: Variables;
  readonly source: Source;
  /** Leave an entry out that cannot be served, and go on. */
  readonly tolerant: boolean;
}

export interface ListedDeployments {
  readonly rows: readonly Row[];
  readonly deployments: readonly Deployment[];
  /** Providers that the deployments need. */
  readonly providers: readonly Provider[];
  /** Public names that no entry serves because all of theirs were left out. */
  readonly leftOut: ReadonlySet<string>;
  /** A sentence for each entry that was left out. */
  readonly warnings: readonly string[];
}

/** The deployments of `model_list`, lower orders first within their groups. */
export function listDeployments(
  models: readonly (ModelValues | undefined)[],
  context: DeploymentContext,
): ListedDeployments {
  const { source } = context;
  const rows: Row[] = [];
  const providers = new Set<Provider>();
  const identities = new Map<string, number>();
  const leftOut = new Set<string>();
  const warnings: string[] = [];
  for (const [index, entry] of models.entries()) {
    if (entry === undefined || isContentRouter(entry)) continue;
    const read = readModel(entry, index, context);
    if (read === undefined) continue;
    const deployments = "found" in read ? makeDeployments(entry, read.found, context, identities) : [];
    const invalid = "found" in read ? refusal(read.found, deployments, index, context) : read.invalid;
    if (invalid === undefined && "found" in read) {
      providers.add(read.found.provider);
      rows.push(...deployments.map((deployment) => ({ index, deployment })));
    } else if (invalid !== undefined) {
      const { path, message, hint } = invalid;
      if (!context.tolerant) source.problem(path, message, hint);
      else {
        warnings.push(`${source.placed(path, message)}; the entry is left out`);
        leftOut.add(publicName(entry) ?? "");
      }
    }
  }
  for (const { deployment } of rows) leftOut.delete(deployment.model);
  if (rows.length === 0 && warnings.length > 0)
    source.problem(["model_list"], `has no valid entry: ${warnings.join("; ")}`);
  reportDuplicates(rows, source);
  const sorted = rows.toSorted((one, other) => (one.deployment.order ?? 0) - (other.deployment.order ?? 0));
  return {
    rows,
    deployments: sorted.map(({ deployment }) => deployment),
    providers: [...providers],
    leftOut,
    warnings,
  };
}

/** Why an entry cannot be served, although it is well written. */
interface Invalid {
  readonly path: KeyPath;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Undefined when what is wrong with it has been reported. */
function readModel(
  entry: ModelValues,
  index: number,
  context: DeploymentContext,
): { readonly found: FoundModel } | { readonly invalid: Invalid } | undefined {
  const { source, catalog } = context;
  const at: KeyPath = ["model_list", index];
  const params: KeyPath = [...at, "litellm_params"];
  const { model, custom_llm_provider: forced, organization } = entry.litellm_params ?? {};
  const name = publicName(entry);
  source.missing(at, "model_name");
  source.missing(at, "litellm_params");
  if (entry.litellm_params !== undefined) source.missing(params, "model");
  checkTwins(entry, at, source);
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
    if (organization === undefined || found.slug === "openai") return { found };
    source.problem([...params, "organization"], `is a setting of openai, not of ${found.slug}`);
    return undefined;
  } catch (error) {
    const key = forced === undefined ? "model" : "custom_llm_provider";
    return { invalid: { path: [...params, key], message: (error as Error).message } };
  }
}

/** Keys that mean the same, and keys that mean nothing alone. */
function checkTwins(
  { litellm_params: params = {}, model_info: info = {} }: ModelValues,
  at: KeyPath,
  source: Source,
): void {
  if (params.max_retries !== undefined && params.num_retries !== undefined) {
    source.problem([...at, "litellm_params", "max_retries"], "means the same as num_retries", "keep one of the two");
  }
  const prices = ["input_cost_per_token", "output_cost_per_token", ...PRICE_FIELDS, ...SHAPED_PRICE_FIELDS];
  for (const price of prices) {
    if (!source.has([...at, "litellm_params", price]) || !source.has([...at, "model_info", price])) continue;
    source.problem([...at, "model_info", price], "is given in litellm_params too", "keep one of the two");
  }
  if (info.team_public_model_name !== undefined && info.team_id === undefined) {
    const message = "is the name that a team uses, and team_id says of which";
    source.problem([...at, "model_info", "team_public_model_name"], message, "add team_id");
  }
}

/** One for each organisation; most entries make one. */
function makeDeployments(
  entry: ModelValues,
  found: FoundModel,
  context: DeploymentContext,
  identities: Map<string, number>,
): readonly Deployment[] {
  const accounts = entry.litellm_params?.organization ?? [undefined];
  const explicit = entry.model_info?.id;
  const identity = [
    entry.model_name ?? "",
    found.provider.name,
    found.upstreamModel,
    entry.litellm_params?.api_base ?? "",
  ];
  return accounts.map((organization, ordinal) => {
    const several = accounts.length > 1 ? `-${ordinal + 1}` : "";
    const id = explicit === undefined ? derivedId(identity, identities) : `${explicit}${several}`;
    return makeDeployment(entry, found, { id, organization, usualKey: usualKey(found.slug, context) });
  });
}

/** Name, provider, model and address: what stays the same when a key is changed. Equal entries are counted. */
function derivedId(identity: readonly string[], seen: Map<string, number>): string {
  const id = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 16);
  const count = (seen.get(id) ?? 0) + 1;
  seen.set(id, count);
  return count === 1 ? id : `${id}-${count}`;
}

function usualKey(slug: string, { catalog, variables }: DeploymentContext): string | undefined {
  for (const name of catalog.keyVariables?.(slug) ?? []) {
    const value = variables.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The provider's own check, at the entry's place. What follows from a problem that is known is not reported again. */
function refusal(
  found: FoundModel,
  deployments: readonly Deployment[],
  index: number,
  { source, catalog }: DeploymentContext,
): Invalid | undefined {
  if (source.faulty(["model_list", index])) return undefined;
  for (const deployment of deployments) {
    try {
      found.provider.validate?.(deployment);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      const variables = deployment.apiKey === undefined ? (catalog.keyVariables?.(found.slug) ?? []) : [];
      const hint = variables.length === 0 ? undefined : `set api_key, or the variable ${variables.join(" or ")}`;
      return { path: ["model_list", index, "litellm_params"], message: error.message, hint };
    }
  }
  return undefined;
}

function reportDuplicates(rows: readonly Row[], source: Source): void {
  const owners = new Map<string, number>();
  for (const { index, deployment } of rows) {
    const first = owners.get(deployment.id);
    if (first === undefined) owners.set(deployment.id, index);
    else source.problem(["model_list", index, "model_info", "id"], `is the id of model_list[${first}] too`);
  }
}
