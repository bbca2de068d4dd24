import type { Deployment, Dialect } from "@signalbox/kernel";
import type { LoadedConfig } from "@signalbox/plugin-config";
import { KEY_VARIABLE } from "./access.ts";
import type { Assembly } from "./assemble.ts";

export interface BannerOptions
  extends Pick<Assembly, "gateway" | "config" | "key" | "stores" | "caches" | "off" | "warnings" | "notes"> {
  readonly version: string;
  readonly url: string;
  readonly dialects: readonly Dialect[];
}

const SHOWN_MODELS = 12;
const IN_MEMORY = "keeping of spend: it is kept in memory only (set DATABASE_URL, or use a master key and --data)";

/** What a gateway says once it is ready: what it serves, what is on and off, and a line to try. */
export function banner(options: BannerOptions): string {
  const { version, url, warnings, notes } = options;
  const rows = [
    ["models", modelList(options)],
    ["clients", clients(options.dialects)],
    ["on", on(options).join(", ")],
    ["off", off(options).join(", ")],
  ] as const;
  return [
    `Signalbox ${version} is ready at ${url}`,
    "",
    ...rows.filter(([, text]) => text !== "").map(([label, text]) => `  ${label.padEnd(9)}${text}`),
    ...notes.map((note) => `  note     ${note}`),
    ...warnings.map((warning) => `  warning  ${warning}`),
    "",
    ...tryIt(options),
  ].join("\n");
}

/** What clients can ask for: models, what stands for several, and other names. */
function names({ gateway, config }: BannerOptions): readonly string[] {
  const { contentRouters = {}, splits = {} } = config?.routing ?? {};
  const aliases = Object.entries(config?.aliases ?? {}).filter(([, { hidden }]) => hidden !== true);
  return [
    ...new Set([
      ...gateway.deployments.map(({ model }) => model),
      ...Object.keys(contentRouters),
      ...Object.keys(splits),
      ...aliases.map(([name]) => name),
    ]),
  ];
}

function modelList(options: BannerOptions): string {
  const all = names(options);
  const more = all.length - SHOWN_MODELS;
  return all.slice(0, SHOWN_MODELS).join(", ") + (more > 0 ? ` and ${more} more (GET /v1/models)` : "");
}

/** `POST /v1/chat/completions`, …: the first route of each dialect. */
function clients(dialects: readonly Dialect[]): string {
  const paths = dialects.flatMap(({ routes }) => routes.filter(({ kind }) => kind === "call").slice(0, 1));
  return [...new Set(paths.map(({ path }) => path))].join(", ");
}

function on({ gateway, config, key, stores, caches }: BannerOptions): readonly string[] {
  return [
    ...(key === undefined ? [] : ["master key and virtual keys (POST /key/generate): every request needs one"]),
    ...(stores.ledger === undefined ? [] : [`spend in ${stores.ledger}`]),
    ...(stores.redis === undefined ? [] : [`limits and budgets in ${stores.redis}`]),
    "prices, limits and budgets",
    ...guarded(config?.guardrails ?? []),
    ...(caches.name === undefined ? [] : [caches.name]),
    ...promptCachingParts(gateway.deployments),
    ...(config?.keys.jwt === undefined ? [] : ["tokens of identity providers"]),
    ...routingParts(config?.routing ?? {}),
    ...resilienceParts(config?.resilience ?? {}, Object.keys(gateway.fallbacks ?? {}).length),
    ...(gateway.dropParams === true ? ["parameters a model does not take are left out"] : []),
    ...(config === undefined ? [] : [`configuration from ${config.files.join(", ")}`]),
  ];
}

/** `guardrails secrets, tools (where asked for)` */
function guarded(guardrails: LoadedConfig["guardrails"]): readonly string[] {
  if (guardrails.length === 0) return [];
  const all = guardrails.map(({ name, defaultOn }) => (defaultOn ? name : `${name} (where asked for)`));
  return [`guardrails ${all.join(", ")}`];
}

function promptCachingParts(deployments: readonly Deployment[]): readonly string[] {
  const count = deployments.filter(({ info }) => info?.["cacheControlInjectionPoints"] !== undefined).length;
  return count === 0 ? [] : [`prompt caching for ${counted(count, "deployment", "deployments")}`];
}

function routingParts(routing: LoadedConfig["routing"]): readonly string[] {
  const { strategy = "simple-shuffle", tags, sessionAffinity = false, promptCacheAffinity = false } = routing;
  const others = Object.keys(routing.models ?? {}).length;
  return [
    `strategy ${strategy}${others === 0 ? "" : ` (${counted(others, "model has", "models have")} another)`}`,
    ...(tags?.enabled === true ? ["routing by tags"] : []),
    ...(sessionAffinity === false ? [] : ["session affinity"]),
    ...(promptCacheAffinity === false ? [] : ["prompt cache affinity"]),
    ...(routing.queue === undefined ? [] : ["queue"]),
    ...counts(routing.contentRouters, "content router", "content routers"),
    ...counts(routing.splits, "split", "splits"),
    ...counts(routing.mirrors, "mirror", "mirrors"),
  ];
}

function resilienceParts(resilience: LoadedConfig["resilience"], chains: number): readonly string[] {
  const { retries = 2, cooldown, probes, hedge, continueStreams = false, defaultFallbacks } = resilience;
  return [
    ...(retries === 0 ? [] : [counted(retries, "retry", "retries")]),
    ...(chains === 0 ? [] : [`fallbacks for ${counted(chains, "model", "models")}`]),
    ...(defaultFallbacks === undefined ? [] : ["default fallbacks"]),
    ...(cooldown?.disabled === true ? [] : ["cooldown"]),
    ...(probes === undefined ? [] : ["health checks"]),
    ...(hedge === undefined ? [] : ["hedging"]),
    ...(continueStreams ? ["continued streams"] : []),
  ];
}

function counts(named: object | undefined, one: string, several: string): readonly string[] {
  return named === undefined ? [] : [counted(Object.keys(named).length, one, several)];
}

function counted(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`;
}

function off({ key, config, stores, caches, off: missing }: BannerOptions): readonly string[] {
  const { retries, cooldown, probes } = config?.resilience ?? {};
  return [
    ...(key === undefined ? [`master key (set ${KEY_VARIABLE}; without it only this machine is served)`] : []),
    ...missing,
    ...(retries === 0 ? ["retries (num_retries is 0)"] : []),
    ...(cooldown?.disabled === true ? ["cooldown (disable_cooldowns is true)"] : []),
    ...(probes === undefined ? ["health checks (background_health_checks in a configuration)"] : []),
    ...(stores.ledger === undefined ? [IN_MEMORY] : []),
    ...(caches.name === undefined ? ["caching (litellm_settings.cache in a configuration)"] : []),
    ...(config === undefined || config.guardrails.length === 0 ? ["guardrails (guardrails in a configuration)"] : []),
  ];
}

/** A line that works as it stands. It names the variable that holds the key, never the key. */
function tryIt(options: BannerOptions): readonly string[] {
  const { key, url } = options;
  const body = JSON.stringify({ model: sampleModel(names(options)), messages: [{ role: "user", content: "Hello" }] });
  const headers = ['-H "content-type: application/json"'];
  if (key !== undefined) headers.unshift(`-H "authorization: Bearer $${key.variable}"`);
  const hint = key?.file === undefined ? "" : ` (with ${key.variable} set to the master_key of ${key.file})`;
  return [`Try it${hint}:`, `  curl -sS ${url}/v1/chat/completions ${headers.join(" ")} -d ${quoted(body)}`];
}

/** A model to ask for: a concrete one, else one of the mock's, else a wildcard to be filled in. */
function sampleModel(models: readonly string[]): string {
  const concrete = models.find((model) => !model.includes("*"));
  if (concrete !== undefined) return concrete;
  return models.includes("mock/*") ? "mock/echo" : (models[0] ?? "").replace("*", "<model>");
}

/** For a shell, in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
