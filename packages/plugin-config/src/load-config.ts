import type { Deployment, ModelAlias, ModelTable, Plugin, Provider } from "@signalbox/kernel";
import { createModelTable, Secret } from "@signalbox/kernel";
import type { AccessSettings } from "./access-settings.ts";
import { collectAccess } from "./access-settings.ts";
import type { CacheSettings } from "./cache-settings.ts";
import { collectCache } from "./cache-settings.ts";
import { checkKeys } from "./check-keys.ts";
import type { ConfigValues } from "./config-values.ts";
import { isContentRouter, selectorNames } from "./content-routers.ts";
import { declaredVariables, unusedVariables } from "./declared-variables.ts";
import { listDeployments } from "./deployments.ts";
import type { Environment } from "./environment.ts";
import { Variables } from "./environment.ts";
import { collectFallbacks } from "./fallback-chains.ts";
import type { GuardrailCatalog, GuardrailSettings } from "./guardrail-settings.ts";
import { collectGuardrails } from "./guardrail-settings.ts";
import type { KeySettings } from "./key-settings.ts";
import { collectKeys } from "./key-settings.ts";
import type { LoadedTree } from "./load-tree.ts";
import { loadTree, textTree } from "./load-tree.ts";
import { masterKey } from "./master-key.ts";
import { collectAliases } from "./model-aliases.ts";
import { openAccess } from "./open-access.ts";
import { checkNotices, idleKeys } from "./pre-call-checks.ts";
import { Problems } from "./problem.ts";
import type { ProviderCatalog } from "./provider-catalog.ts";
import { PublicNames, publicName } from "./public-names.ts";
import type { ResilienceSettings } from "./resilience-settings.ts";
import { collectResilience } from "./resilience-settings.ts";
import type { RoutingSettings } from "./routing-settings.ts";
import { collectRouting } from "./routing-settings.ts";
import { checkShares } from "./shares.ts";
import { Source } from "./source.ts";
import type { BudgetSettings, LimitSettings, PricingSettings } from "./spending-settings.ts";
import { collectBudgets, collectLimits, collectPricing } from "./spending-settings.ts";
import type { StoreSettings } from "./store-settings.ts";
import { collectStores } from "./store-settings.ts";
import { applyTimeouts } from "./timeouts.ts";

/** Where the configuration comes from, and what it may refer to. */
export interface LoadConfigOptions {
  /** Path of the YAML file. With `text` it only names it in messages. */
  readonly file?: string;
  /** The configuration itself, instead of a file. */
  readonly text?: string;
  /** Variables for `os.environ/NAME` and for providers' usual keys. */
  readonly env: Environment;
  readonly providers: ProviderCatalog;
  /** Deployments from elsewhere, such as a command line: served before the file's own, with its defaults. */
  readonly deployments?: readonly Deployment[];
  /** Guardrails that the application can make. Default: none. */
  readonly guardrails?: GuardrailCatalog;
  /** Variables that the application reads itself, also where the file declares them. */
  readonly reads?: readonly string[];
}

/** What a configuration says, in the words of `createGateway` and of the server. */
export interface LoadedConfig {
  readonly deployments: readonly Deployment[];
  /** Providers that the file's deployments need, each once. */
  readonly providers: readonly Provider[];
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  /** Other names for public models. */
  readonly aliases: Readonly<Record<string, ModelAlias>>;
  /** Options of `routing`. */
  readonly routing: RoutingSettings;
  /** Options of `fallbacks`, besides the chains above. */
  readonly resilience: ResilienceSettings;
  readonly timeoutMs: number;
  readonly dropParams?: boolean;
  /** Holds the authenticator. */
  readonly plugins: readonly Plugin[];
  /** For `checkMasterKey`; drop it afterwards. */
  readonly masterKey?: Secret;
  /** The environment variable that holds the master key, if it was given as a reference. */
  readonly masterKeyVariable?: string;
  /** All keys that may do everything, the master key first. */
  readonly masterKeys: readonly Secret[];
  readonly stores: StoreSettings;
  /** Options of the listener. */
  readonly access: AccessSettings;
  /** In the order of the file. */
  readonly guardrails: readonly GuardrailSettings[];
  /** Undefined: nothing is cached. */
  readonly cache?: CacheSettings;
  /** Options of `keys`, besides the master keys. */
  readonly keys: KeySettings;
  /** Options of `limits`. */
  readonly limits: LimitSettings;
  /** Options of `budgets`. */
  readonly budgets: BudgetSettings;
  /** Options of `pricing`. */
  readonly pricing: PricingSettings;
  /** What `environment_variables` declares: it wins over the environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly allowWeakMasterKey: boolean;
  /** Largest request body. */
  readonly maxBodyBytes?: number;
  readonly warnings: readonly string[];
  /** Every file that was read, the main one first. */
  readonly files: readonly string[];
}

const MEBIBYTE = 1_048_576;

/**
 * Reads a configuration. Reads files and nothing else: no network, no `process.env`.
 *
 * @throws {GatewayError} `option_invalid` with every problem in `details.problems` and, one per line, in its message
 */
export function loadConfig(options: LoadConfigOptions): LoadedConfig {
  const problems = new Problems();
  const { root, files } = loadSource(options, problems);
  // Nothing could be read, so there is at least one problem.
  if (root === undefined) throw problems.error();
  const source = new Source(root, problems);
  const declared = declaredVariables(root, options.env);
  const variables = new Variables(options.env, declared);
  const values: ConfigValues = checkKeys(root, variables, problems);
  const listed = listDeployments(values.model_list ?? [], {
    catalog: options.providers,
    variables,
    source,
    tolerant: values.router_settings?.ignore_invalid_deployments ?? false,
  });
  const extra = options.deployments ?? [];
  if (extra.length === 0 && (values.model_list ?? []).length === 0) {
    if (!source.has(["model_list"])) source.missing([], "model_list");
    else if (!source.faulty(["model_list"])) source.problem(["model_list"], "lists no model", "name at least one");
  }
  const models = namedModels(values, extra, listed.providers);
  const aliasNames = new Set(Object.keys(values.router_settings?.model_group_alias ?? {}));
  const names = new PublicNames(
    { models, selectors: selectorNames(values), aliases: aliasNames, leftOut: listed.leftOut },
    source,
  );
  const fallbacks = collectFallbacks(values, names, source);
  const aliases = collectAliases(values, names, source);
  const routing = collectRouting(values, names, source);
  const resilience = collectResilience(values, names, source);
  checkShares(listed.rows, routing, source);
  const stores = collectStores(values, source);
  const cache = collectCache(values, { names, variables, source });
  const keys = collectKeys(values, variables, source);
  const guardrails = collectGuardrails(values, options.guardrails ?? {}, source);
  const access = collectAccess(values, source);
  const spending = { source, catalog: options.providers, rows: listed.rows };
  const budgets = collectBudgets(values, spending);
  const pricing = collectPricing(values, spending);
  if (problems.count > 0) throw problems.error();

  const { general_settings: general = {}, litellm_settings: calls = {} } = values;
  const all = withMostParallel(
    [...extra, ...listed.deployments],
    values.router_settings?.default_max_parallel_requests,
  );
  const { timeoutMs, deployments, warnings } = applyTimeouts(all, values);
  const key = general.master_key === undefined ? undefined : new Secret(general.master_key);
  const keyVariable = source.reference(["general_settings", "master_key"]);
  return {
    deployments,
    providers: listed.providers,
    fallbacks,
    aliases,
    routing,
    resilience,
    timeoutMs,
    ...(calls.drop_params !== undefined && { dropParams: calls.drop_params }),
    plugins: [{ name: "config", authenticator: key === undefined ? openAccess() : masterKey(key) }],
    ...(key !== undefined && { masterKey: key }),
    ...(keyVariable !== undefined && { masterKeyVariable: keyVariable }),
    masterKeys: [...(key === undefined ? [] : [key]), ...(general.master_keys ?? []).map((one) => new Secret(one))],
    stores,
    access,
    guardrails,
    ...(cache !== undefined && { cache }),
    keys,
    limits: collectLimits(values),
    budgets,
    pricing,
    variables: Object.fromEntries(declared),
    allowWeakMasterKey: general.allow_weak_master_key ?? false,
    ...(general.max_request_size_mb !== undefined && {
      maxBodyBytes: Math.floor(general.max_request_size_mb * MEBIBYTE),
    }),
    warnings: [
      ...listed.warnings,
      ...warnings,
      ...checkNotices(values),
      ...idleKeys(values),
      ...unusedVariables(values, variables, options.reads ?? []),
    ],
    files,
  };
}

function withMostParallel(deployments: readonly Deployment[], maxParallel: number | undefined): readonly Deployment[] {
  if (maxParallel === undefined) return deployments;
  return deployments.map((deployment) => ({ maxParallel, ...deployment }));
}

function loadSource({ file, text }: LoadConfigOptions, problems: Problems): LoadedTree {
  if (text !== undefined) return textTree(text, file ?? "configuration", problems);
  if (file !== undefined) return loadTree(file, problems);
  throw new TypeError("loadConfig needs a file or a text");
}

/**
 * The public names, also of models that have problems of their own: those are not reported again by everyone who falls
 * back to them. Undefined when some name could not be read, since then nobody can say which name is wrong.
 */
function namedModels(
  values: ConfigValues,
  extra: readonly Deployment[],
  providers: readonly Provider[],
): ModelTable | undefined {
  const names = (values.model_list ?? [])
    .filter((entry) => entry === undefined || !isContentRouter(entry))
    .map((entry) => (entry === undefined ? undefined : publicName(entry)));
  if (values.model_list === undefined || names.includes(undefined)) return undefined;
  const deployments = names.map((name, index) => ({
    id: String(index),
    model: name ?? "",
    provider: "",
    upstreamModel: "",
  }));
  return createModelTable([...extra, ...deployments], providers);
}
