import type { HandlerOptions } from "@signalbox/express/node";
import type { Deployment, Dialect, GatewayOptions, Plugin, Provider } from "@signalbox/kernel";
import { GatewayError, Secret } from "@signalbox/kernel";
import type { LoadedConfig } from "@signalbox/plugin-config";
import { checkMasterKey, isLoopback, loadConfig, masterKey, openAccess } from "@signalbox/plugin-config";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { routing } from "@signalbox/plugin-routing";
import { anthropicDialects } from "@signalbox/provider-anthropic";
import { openaiDialects } from "@signalbox/provider-openai";
import type { Catalog, Environment } from "./catalog.ts";
import { createCatalog, MAIN_VENDORS } from "./catalog.ts";
import type { StartOptions } from "./start.ts";

/** The variable for the key that every request needs. */
export const KEY_VARIABLE = "SIGNALBOX_MASTER_KEY";

/** Everything about a gateway before it runs. */
export interface Assembly {
  readonly gateway: GatewayOptions & { readonly deployments: readonly Deployment[] };
  readonly server: Pick<HandlerOptions, "maxBodyBytes" | "maxFormBytes">;
  readonly config?: LoadedConfig;
  /** Variable that holds the key, or where else it stands; undefined when nobody needs one. */
  readonly key?: { readonly variable: string; readonly file?: string };
  /** What is off, with the remedy. */
  readonly off: readonly string[];
  readonly warnings: readonly string[];
}

/** @throws {GatewayError} `option_invalid` with every problem of the configuration */
export function assemble(options: StartOptions, env: Environment): Assembly {
  const catalog = createCatalog(env);
  const named = options.models.map((model) => catalog.deployment(model));
  const models = named.map(({ deployment }) => deployment);
  const config =
    options.config === undefined
      ? undefined
      : loadConfig({ file: options.config, env, providers: catalog, deployments: models });
  const access = accessOf(config, options, env);
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
        access.plugin,
        routing(config?.routing),
        fallbacks(config?.resilience),
      ],
      deployments,
      ...(config !== undefined && {
        fallbacks: config.fallbacks,
        aliases: config.aliases,
        timeoutMs: config.timeoutMs,
      }),
      ...(config?.dropParams !== undefined && { dropParams: config.dropParams }),
    },
    server: config?.maxBodyBytes === undefined ? {} : bodyLimits(config.maxBodyBytes),
    ...(config !== undefined && { config }),
    ...(access.key !== undefined && { key: access.key }),
    off: config === undefined ? missingKeys(catalog) : [],
    warnings: [...access.warnings, ...(config?.warnings ?? [])],
  };
}

function dialects(): readonly Dialect[] {
  return [...openaiDialects(), ...anthropicDialects()];
}

function bodyLimits(bytes: number): Assembly["server"] {
  return { maxBodyBytes: bytes, maxFormBytes: bytes };
}

interface Access {
  readonly plugin: Plugin;
  readonly key?: NonNullable<Assembly["key"]>;
  readonly warnings: readonly string[];
}

/** Who is let in: the file's key, else the environment's, else this machine alone. */
function accessOf(config: LoadedConfig | undefined, { host, config: file }: StartOptions, env: Environment): Access {
  const own = config?.masterKey ?? environmentKey(env);
  if (own === undefined) {
    if (isLoopback(host)) return { plugin: { name: "access", authenticator: openAccess() }, warnings: [] };
    throw new GatewayError(
      "option_invalid",
      `without a master key the gateway serves this machine only, and ${host} can be reached from others; ` +
        `set ${KEY_VARIABLE} (or general_settings.master_key in the configuration), or use --host 127.0.0.1`,
    );
  }
  const warning = checkMasterKey(own, host, config?.allowWeakMasterKey);
  const literal = config?.masterKey !== undefined && config.masterKeyVariable === undefined;
  return {
    plugin: { name: "access", authenticator: masterKey(own) },
    key: { variable: config?.masterKeyVariable ?? KEY_VARIABLE, ...(literal && file !== undefined && { file }) },
    warnings: warning === undefined ? [] : [warning],
  };
}

function environmentKey(env: Environment): Secret | undefined {
  const key = env[KEY_VARIABLE];
  if (key === undefined || key === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(key)) return new Secret(key);
  throw new GatewayError("option_invalid", `${KEY_VARIABLE} must be printable characters without spaces`);
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
