import type { HandlerOptions } from "@signalbox/express/node";
import type { Deployment, Dialect, GatewayOptions, Provider } from "@signalbox/kernel";
import type { LoadedConfig } from "@signalbox/plugin-config";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { promptCaching } from "@signalbox/plugin-prompt-caching";
import { routing } from "@signalbox/plugin-routing";
import { anthropicDialects } from "@signalbox/provider-anthropic";
import { openaiDialects } from "@signalbox/provider-openai";
import { accessOf, accessPlugin, KEY_VARIABLE, SECRET_VARIABLES } from "./access.ts";
import type { Caches } from "./caches.ts";
import { cachesOf } from "./caches.ts";
import type { Catalog, Environment } from "./catalog.ts";
import { createCatalog, MAIN_VENDORS } from "./catalog.ts";
import { GUARDRAIL_NAMES, guardrailPlugins, guardrailRoutePlugins } from "./guardrails/guardrails.ts";
import { GUARDRAIL_VARIABLES } from "./guardrails/remote-guardrails.ts";
import { moneyPlugins, reportPlugins } from "./money.ts";
import type { StartOptions } from "./start.ts";
import type { Stores } from "./stores.ts";
import { storesOf } from "./stores.ts";

/** Read here, also where a configuration declares them. */
const VARIABLES = [
  KEY_VARIABLE,
  ...SECRET_VARIABLES,
  ...GUARDRAIL_VARIABLES,
  "DATABASE_URL",
  "REDIS_URL",
  "SIGNALBOX_DATA_DIR",
];

/** Everything about a gateway before it runs. */
export interface Assembly {
  readonly gateway: GatewayOptions & { readonly deployments: readonly Deployment[] };
  readonly server: HandlerOptions;
  readonly config?: LoadedConfig;
  /** Variable that holds the key, or where else it stands; undefined when nobody needs one. */
  readonly key?: { readonly variable: string; readonly file?: string };
  readonly stores: Stores;
  readonly caches: Caches;
  /** What is off, with the remedy. */
  readonly off: readonly string[];
  readonly warnings: readonly string[];
  /** What the operator should know, and nothing is wrong with. */
  readonly notes: readonly string[];
}

/** @throws {GatewayError} `option_invalid` with every problem of the configuration */
export async function assemble(options: StartOptions, env: Environment): Promise<Assembly> {
  const catalog = createCatalog(env);
  const named = options.models.map((model) => catalog.deployment(model));
  const models = named.map(({ deployment }) => deployment);
  const config = options.config === undefined ? undefined : await configured(options.config, env, catalog, models);
  // the file may declare variables of its own
  const own = { ...env, ...config?.variables };
  const access = accessOf(config, options, own);
  const stores = await storesOf(config, options, own, access.masterKeys.length > 0);
  const caches = await cachesOf(config, options);
  const { plugin: accessing, notes } = await accessPlugin(access, config, own);
  const standard = config === undefined ? standardProviders(catalog) : [];
  const deployments = config?.deployments ?? [...models, ...standard.map((one) => everyModel(one, catalog))];
  const providers = new Set<Provider>([
    ...named.map(({ provider }) => provider),
    ...(config?.providers ?? []),
    ...standard.map(({ provider }) => provider),
  ]);
  return {
    gateway: {
      plugins: [
        { name: "vendors", providers: [...providers], dialects: dialects() },
        ...stores.plugins,
        accessing,
        ...moneyPlugins(config),
        ...(await reportPlugins(config, stores)),
        routing(config?.routing),
        fallbacks(config?.resilience),
        // breakpoints only where the configuration says so; savings are told of all
        promptCaching({ points: [] }),
        ...(await guardrailPlugins(config?.guardrails ?? [], own)),
        ...(await guardrailRoutePlugins(config?.guardrails ?? [])),
        ...caches.plugins,
      ],
      deployments,
      ...(caches.policy !== undefined && { caching: caches.policy }),
      ...(config !== undefined && {
        fallbacks: config.fallbacks,
        aliases: config.aliases,
        timeoutMs: config.timeoutMs,
      }),
      ...(config?.dropParams !== undefined && { dropParams: config.dropParams }),
    },
    server: {
      ...config?.access,
      ...(config?.maxBodyBytes !== undefined && bodyLimits(config.maxBodyBytes)),
    },
    ...(config !== undefined && { config }),
    ...(access.key !== undefined && { key: access.key }),
    stores,
    caches,
    off: config === undefined ? missingKeys(catalog) : [],
    warnings: [...access.warnings, ...(config?.warnings ?? [])],
    notes,
  };
}

/** The catalogue of all keys is loaded by those who have a file. */
async function configured(
  file: string,
  env: Environment,
  providers: Catalog,
  deployments: readonly Deployment[],
): Promise<LoadedConfig> {
  const { loadConfig } = await import("@signalbox/plugin-config");
  return loadConfig({ file, env, providers, deployments, guardrails: GUARDRAIL_NAMES, reads: VARIABLES });
}

function dialects(): readonly Dialect[] {
  return [...openaiDialects(), ...anthropicDialects()];
}

function bodyLimits(bytes: number): HandlerOptions {
  return { maxBodyBytes: bytes, maxFormBytes: bytes };
}

interface Served {
  readonly slug: string;
  readonly provider: Provider;
}

/** What is served without a configuration: the mock, and every provider with a key in the environment. */
function standardProviders(catalog: Catalog): readonly Served[] {
  return [...new Set(["mock", ...catalog.withKeys()])].flatMap((slug) => {
    const provider = catalog.resolve(slug);
    return provider === undefined ? [] : [{ slug, provider }];
  });
}

function everyModel({ slug, provider }: Served, catalog: Catalog): Deployment {
  const apiKey = catalog.key(slug);
  return {
    id: `${provider.name}/*`,
    model: `${provider.name}/*`,
    provider: provider.name,
    upstreamModel: "*",
    ...(apiKey !== undefined && { apiKey }),
  };
}

function missingKeys(catalog: Catalog): readonly string[] {
  const there = catalog.withKeys();
  return MAIN_VENDORS.filter(({ slug }) => !there.includes(slug)).map(
    ({ slug, variable }) => `${slug} (set ${variable})`,
  );
}
