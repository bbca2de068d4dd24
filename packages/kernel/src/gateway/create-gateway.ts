import type { Authenticator } from "../authenticator.ts";
import type { Attempt, Call } from "../call.ts";
import {
  AUTHENTICATOR,
  CACHE,
  gatewayContainer,
  LEDGER,
  MODEL_TABLE,
  ROUTER,
  registerDefault,
  resolveOptional,
  TRANSPORT,
} from "../container.ts";
import type { Deployment } from "../deployment.ts";
import { GatewayError, isGatewayError } from "../errors.ts";
import type { CallInput, Explanation, Gateway, GatewayOptions, HealthReport, OpenCall } from "../gateway.ts";
import { createTransport } from "../http/undici-transport.ts";
import { IdSource } from "../ids.ts";
import type { Layer, Ordered, Stage } from "../layer.ts";
import { didYouMean } from "../nearest.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";
import type { Health, Plugin } from "../plugin.ts";
import type { ListedModel, Provider } from "../provider.ts";
import { resultOf } from "../reply.ts";
import type { Router } from "../router.ts";
import { ActiveCalls } from "./active-calls.ts";
import { AttemptTransport } from "./attempt-transport.ts";
import { attempts, cannotServe, checkGrant } from "./attempts.ts";
import { cacheLayer } from "./cache-layer.ts";
import { checkDeployments, checkFallbacks, checkPlugins, checkRoutes, collectProviders } from "./checks.ts";
import { explainAttempt } from "./explain.ts";
import { guardrailLayer } from "./guardrail-layer.ts";
import { listedRouter } from "./listed-router.ts";
import { ModelCatalog } from "./model-catalog.ts";
import { createModelTable, implicitDeployment } from "./model-table.ts";
import { combineObservers } from "./observers.ts";
import type { CallContext } from "./open-call.ts";
import { RunningCall } from "./open-call.ts";
import { composeAttempt, composeCall, placeLayers } from "./pipeline.ts";
import { chatFunction, embedFunction } from "./sdk.ts";

const OPTIONS: readonly (keyof GatewayOptions)[] = [
  "plugins",
  "deployments",
  "fallbacks",
  "timeoutMs",
  "idleTimeoutMs",
  "dropParams",
  "container",
];

const DEFAULT_TIMEOUT_MS = 600_000;
const CHECK_TIMEOUT_MS = 1_000;

/** Nobody has a key: whoever reaches the gateway may use and manage it. Surfaces listen on loopback only. */
const OPEN_ACCESS: Authenticator = {
  required: false,
  authenticate: () => ({ id: "anonymous", kind: "anonymous", admin: true, models: ["*"] }),
};

/**
 * Makes a gateway from plugins.
 *
 * ```ts
 * const gateway = await createGateway({ plugins: [{ name: "vendors", providers: [openai({ apiKey })] }] });
 * const { choices } = await gateway.chat({ model: "openai/gpt-5", messages: [{ role: "user", content: "Hello" }] });
 * ```
 *
 * @throws {GatewayError} with a start-up code that names the plugin and the remedy
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  checkOptions(options);
  const { plugins } = options;
  checkPlugins(plugins);
  checkRoutes(plugins);
  const providers = collectProviders(plugins);
  const deployments = (options.deployments ?? [...providers.values()].map(implicitDeployment)).map((deployment) =>
    options.dropParams === undefined || deployment.dropParams !== undefined
      ? deployment
      : { ...deployment, dropParams: options.dropParams },
  );
  checkDeployments(deployments, providers);
  const models = createModelTable(deployments, [...providers.values()]);
  checkFallbacks(options.fallbacks, models);

  const container = gatewayContainer(options.container);
  container.register(MODEL_TABLE, { useValue: models });
  for (const plugin of plugins) await setUp(plugin, () => plugin.setup?.(container));
  for (const plugin of plugins) {
    if (plugin.authenticator !== undefined) registerDefault(container, AUTHENTICATOR, plugin.authenticator);
    if (plugin.cache !== undefined) registerDefault(container, CACHE, plugin.cache);
    if (plugin.ledger !== undefined) registerDefault(container, LEDGER, plugin.ledger);
    if (plugin.transport !== undefined) registerDefault(container, TRANSPORT, plugin.transport);
    if (plugin.router !== undefined) registerDefault(container, ROUTER, makeRouter(plugin.router, models));
  }
  registerDefault(container, AUTHENTICATOR, OPEN_ACCESS);
  registerDefault(container, ROUTER, listedRouter(models, options.fallbacks ? { fallbacks: options.fallbacks } : {}));
  if (!container.isRegistered(TRANSPORT, true)) container.register(TRANSPORT, { useValue: createTransport() });

  const authenticator = container.resolve(AUTHENTICATOR);
  const router = container.resolve(ROUTER);
  const transport = container.resolve(TRANSPORT);
  const cache = resolveOptional(container, CACHE);
  const ledger = resolveOptional(container, LEDGER);

  const observers = combineObservers(plugins);
  const layers = placeLayers(plugins, contractLayers(plugins, cache));
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const idleTimeoutMs = options.idleTimeoutMs ?? timeoutMs;
  const ids = new IdSource();
  const active = new ActiveCalls();
  let refusal: GatewayError | undefined;
  let closing: Promise<void> | undefined;

  const answerAttempt = composeAttempt(layers, (attempt: Attempt) => {
    const operation = providers.get(attempt.deployment.provider)?.operations[attempt.operation];
    return (operation as (of: Attempt) => Reply<OperationName>)(attempt);
  });
  const context: CallContext = {
    nextId: () => ids.next(),
    timeoutMs,
    observers,
    extensions: new Set(plugins.flatMap((plugin) => plugin.extensions ?? [])),
    answer: composeCall(
      layers,
      attempts({ models, router, providers, transport, observers, idleTimeoutMs, answer: answerAttempt }),
    ),
    active,
    refusal: () => refusal,
  };
  const open = <Name extends OperationName>(input: CallInput<Name>): OpenCall<Name> => new RunningCall(context, input);

  async function explain<Name extends OperationName>(input: CallInput<Name>): Promise<Explanation> {
    const { call } = open(input);
    checkGrant(call as Call, models);
    const explained: Explanation["attempts"][number][] = [];
    for await (const deployment of router.route(call as Call)) {
      const provider = providers.get(deployment.provider) as Provider;
      const obstacle = cannotServe(call as Call, deployment, provider);
      if (obstacle === undefined) {
        explained.push(await explainAttempt(call as Call, deployment, provider, explained.length + 1));
      } else call.trace.skip(deployment.id, obstacle);
    }
    return {
      operation: call.operation,
      model: call.request.model,
      principal: call.principal.id,
      attempts: explained,
      skipped: call.trace.skipped ?? [],
      layers: layers.map(({ stage, plugin, name }) => ({ stage, plugin, name })),
    };
  }

  async function listModels(
    deployment: Deployment,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<readonly ListedModel[]> {
    const listing = providers.get(deployment.provider)?.listModels;
    if (listing === undefined) return [];
    const { call } = open({ operation: "chat", request: { model: deployment.model, messages: [] }, signal });
    const record = { ordinal: 1, deployment: deployment.id, provider: deployment.provider, model: "", startedMs: 0 };
    const bound = new AttemptTransport(transport, call, deployment, { ...record, lane: "translated" }, idleTimeoutMs);
    return await listing({ deployment, transport: bound, signal });
  }
  const catalog = new ModelCatalog(models, listModels);

  async function drain(drainMs: number = DEFAULT_TIMEOUT_MS): Promise<void> {
    refusal ??= new GatewayError("draining", "this gateway is shutting down; try another one", {
      retryAfterMs: 1_000,
    });
    const until = performance.now() + drainMs;
    while (active.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
    const cut = new GatewayError("draining", "this gateway shut down before the reply was complete");
    for (const call of active.all()) call.cancel(cut);
  }

  async function closeAll(): Promise<void> {
    await drain();
    for (const plugin of [...plugins].reverse()) await plugin.close?.();
    await cache?.close?.();
    await ledger?.close?.();
    await transport.close?.();
    container.clearInstances();
  }

  return {
    plugins: plugins.map(({ name }) => name),
    providers: [...providers.values()],
    dialects: plugins.flatMap((plugin) => plugin.dialects ?? []),
    routes: plugins.flatMap((plugin) => plugin.routes ?? []),
    models,
    authenticator,
    open,
    run: async <Name extends OperationName>(input: CallInput<Name>): Promise<ResultOf<Name>> =>
      await resultOf(open(input).reply),
    chat: chatFunction(open),
    embed: embedFunction(open),
    explain,
    listModels,
    catalog: (principal) => catalog.list(principal),
    health: () => health(plugins),
    get activeCalls() {
      return active.size;
    },
    get draining() {
      return refusal !== undefined;
    },
    drain,
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

function checkOptions(options: GatewayOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new GatewayError("option_invalid", "createGateway takes an object: createGateway({ plugins: [...] })");
  }
  for (const key of Object.keys(options)) {
    if ((OPTIONS as readonly string[]).includes(key)) continue;
    throw new GatewayError(
      "option_invalid",
      `createGateway has no option ${JSON.stringify(key)}.${didYouMean(key, OPTIONS)}`,
      {
        param: key,
      },
    );
  }
  if (!Array.isArray(options.plugins)) {
    throw new GatewayError("option_invalid", '"plugins" must be an array of plugins', { param: "plugins" });
  }
  for (const key of ["timeoutMs", "idleTimeoutMs"] as const) {
    const value = options[key];
    if (value === undefined || (Number.isFinite(value) && value > 0)) continue;
    throw new GatewayError("option_invalid", `"${key}" must be a positive number of milliseconds`, { param: key });
  }
}

async function setUp(plugin: Plugin, run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    if (isGatewayError(thrown)) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new GatewayError(
      "plugin_setup_failed",
      `plugin ${JSON.stringify(plugin.name)} could not be set up: ${reason}`,
      { source: plugin.name, cause: thrown },
    );
  }
}

function makeRouter(router: NonNullable<Plugin["router"]>, models: Gateway["models"]): Router {
  return typeof router === "function" ? router(models) : router;
}

/** Guardrails and the cache compile to layers, in their plugins' places. */
function contractLayers(
  plugins: readonly Plugin[],
  cache: Plugin["cache"],
): readonly { readonly stage: Stage; readonly plugin: string; readonly ordered: Ordered<Layer> }[] {
  const rows: { stage: Stage; plugin: string; ordered: Ordered<Layer> }[] = plugins.flatMap((plugin) =>
    (plugin.guardrails ?? []).map((guardrail) => ({
      stage: "guard" as const,
      plugin: plugin.name,
      ordered: guardrailLayer(guardrail),
    })),
  );
  const owner = plugins.find((plugin) => plugin.cache === cache) ?? plugins[0];
  if (cache !== undefined && owner !== undefined) {
    rows.push({ stage: "cache", plugin: owner.name, ordered: cacheLayer(cache) });
  }
  return rows;
}

async function health(plugins: readonly Plugin[]): Promise<HealthReport> {
  const components = await Promise.all(
    plugins
      .filter((plugin) => plugin.check !== undefined)
      .map(async (plugin) => ({ name: plugin.name, ...(await checked(plugin)) })),
  );
  return { ok: components.every(({ ok }) => ok), components };
}

async function checked(plugin: Plugin): Promise<Health> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Health>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: "no answer within a second" }), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([Promise.resolve(plugin.check?.() ?? { ok: true }), late]);
  } catch {
    // What a failing check throws may hold addresses and credentials.
    return { ok: false, detail: "the check failed" };
  } finally {
    clearTimeout(timer);
  }
}
