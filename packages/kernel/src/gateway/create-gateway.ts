import type { DependencyContainer } from "tsyringe";
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
  SHARED_STATE,
  STRATEGY,
  TRANSPORT,
} from "../container.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import { GatewayError, isGatewayError } from "../errors.ts";
import type {
  CallInput,
  DeploymentChange,
  Explanation,
  Gateway,
  GatewayOptions,
  HealthReport,
  OpenCall,
} from "../gateway.ts";
import { createTransport } from "../http/undici-transport.ts";
import { IdSource } from "../ids.ts";
import type { Layer, Ordered, Stage } from "../layer.ts";
import { didYouMean } from "../nearest.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";
import type { Health, Plugin } from "../plugin.ts";
import type { Principal } from "../principal.ts";
import type { ListedModel, Provider } from "../provider.ts";
import { resultOf } from "../reply.ts";
import type { Router, RouterParts, RoutingParts } from "../router.ts";
import type { Strategy } from "../strategy.ts";
import { ActiveCalls } from "./active-calls.ts";
import { AttemptTransport } from "./attempt-transport.ts";
import { attempts, cannotServe, checkGrant, selectModel } from "./attempts.ts";
import { cacheLayer } from "./cache-layer.ts";
import { iterate, pull } from "./candidates.ts";
import { checkDeployments, checkFallbacks, checkPlugins, checkRoutes, collectProviders } from "./checks.ts";
import { deploymentFacts } from "./deployment-facts.ts";
import { explainAttempt } from "./explain.ts";
import { guardrailLayer } from "./guardrail-layer.ts";
import { listedRouter, listedStrategy } from "./listed-router.ts";
import { MemoryState } from "./memory-state.ts";
import { ModelCatalog } from "./model-catalog.ts";
import { collectNames } from "./model-names.ts";
import { createModelTable, implicitDeployment } from "./model-table.ts";
import { combineObservers } from "./observers.ts";
import type { CallContext } from "./open-call.ts";
import { RunningCall } from "./open-call.ts";
import { composeAttempt, composeCall, placeLayers } from "./pipeline.ts";
import { attributed, RoutedAttempt } from "./routed-attempt.ts";
import { chatFunction, embedFunction } from "./sdk.ts";

const OPTIONS: readonly (keyof GatewayOptions)[] = [
  "plugins",
  "deployments",
  "fallbacks",
  "aliases",
  "timeoutMs",
  "idleTimeoutMs",
  "dropParams",
  "container",
];

const DEFAULT_TIMEOUT_MS = 600_000;
const CHECK_TIMEOUT_MS = 1_000;

/** Whose name stands on the requests by which a router finds out whether a deployment is well. */
const HEALTH_CHECK: Principal = { id: "health-check", kind: "application", admin: false, models: ["*"] };

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
  const completed = (deployment: Deployment): Deployment =>
    options.dropParams === undefined || deployment.dropParams !== undefined
      ? deployment
      : { ...deployment, dropParams: options.dropParams };
  const deployments = (options.deployments ?? [...providers.values()].map(implicitDeployment)).map(completed);
  checkDeployments(deployments, providers);
  const models = createModelTable(deployments, [...providers.values()]);
  const names = collectNames(options.aliases, plugins, models);
  checkFallbacks(options.fallbacks, models, names);

  const container = gatewayContainer(options.container);
  container.register(MODEL_TABLE, { useValue: models });
  for (const plugin of plugins) await setUp(plugin, () => plugin.setup?.(container));
  for (const plugin of plugins) {
    if (plugin.authenticator !== undefined) registerDefault(container, AUTHENTICATOR, plugin.authenticator);
    if (plugin.cache !== undefined) registerDefault(container, CACHE, plugin.cache);
    if (plugin.ledger !== undefined) registerDefault(container, LEDGER, plugin.ledger);
    if (plugin.transport !== undefined) registerDefault(container, TRANSPORT, plugin.transport);
    if (plugin.sharedState !== undefined) registerDefault(container, SHARED_STATE, plugin.sharedState);
  }
  registerDefault(container, AUTHENTICATOR, OPEN_ACCESS);
  registerDefault(container, SHARED_STATE, new MemoryState());
  const parts: RoutingParts = {
    state: container.resolve(SHARED_STATE),
    facts: deploymentFacts(providers),
    fallbacks: options.fallbacks ?? {},
  };
  const strategy = routingStrategy(container, plugins, models, parts);
  strategy.validate?.(models);
  const router = routerOf(container, plugins, models, { ...parts, strategy, probe });
  if (!container.isRegistered(TRANSPORT, true)) container.register(TRANSPORT, { useValue: createTransport() });

  const authenticator = container.resolve(AUTHENTICATOR);
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
    modelFor: names.modelFor,
    observers,
    extensions: new Set(plugins.flatMap((plugin) => plugin.extensions ?? [])),
    answer: composeCall(
      layers,
      attempts({
        models,
        selectors: names.selectors,
        router,
        strategy,
        providers,
        transport,
        observers,
        idleTimeoutMs,
        answer: answerAttempt,
      }),
    ),
    active,
    refusal: () => refusal,
  };
  const open = <Name extends OperationName>(input: CallInput<Name>): OpenCall<Name> => new RunningCall(context, input);

  async function explain<Name extends OperationName>(input: CallInput<Name>): Promise<Explanation> {
    const asked = open(input).call as Call;
    checkGrant(asked, models, names.selectors);
    const selector = names.selectors.get(asked.model);
    const call = selector === undefined ? asked : await selectModel(asked, selector);
    const explained: Explanation["attempts"][number][] = [];
    const candidates = iterate(router.route(call));
    try {
      for (;;) {
        const deployment = await pull(candidates, undefined);
        if (deployment === undefined) break;
        const provider = providers.get(deployment.provider) as Provider;
        const obstacle = cannotServe(call, deployment, provider);
        if (obstacle === undefined) explained.push(await explainAttempt(call, deployment, provider));
        else call.trace.skip(deployment.id, obstacle);
      }
    } finally {
      await candidates.return?.();
    }
    return {
      operation: call.operation,
      model: call.model,
      principal: call.principal.id,
      attempts: explained,
      skipped: call.trace.skipped ?? [],
      notes: call.trace.notes ?? [],
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
    const { id, provider, model } = deployment;
    const record = { ordinal: 1, deployment: id, provider, model: "", group: model, startedMs: 0 };
    const bound = new AttemptTransport(transport, call, deployment, { ...record, lane: "translated" }, idleTimeoutMs);
    return await listing({ deployment, transport: bound, signal });
  }

  async function probe<Name extends OperationName>(
    deployment: Deployment,
    input: Pick<CallInput<Name>, "operation" | "request">,
    signal: AbortSignal,
  ): Promise<ResultOf<Name>> {
    const call = open({ ...input, principal: HEALTH_CHECK }).call as Call;
    const attempt = new RoutedAttempt(call, deployment, signal, transport, idleTimeoutMs);
    try {
      return (await resultOf(answerAttempt(attempt))) as ResultOf<Name>;
    } catch (thrown) {
      throw attributed(thrown, attempt);
    }
  }
  const catalog = new ModelCatalog(models, names, listModels);

  function changeDeployments({ put = [], remove = [] }: DeploymentChange): void {
    const changed = new Map(models.all().map((deployment) => [deployment.id, deployment]));
    for (const id of remove) {
      if (changed.delete(id)) continue;
      const hint = didYouMean(id, changed.keys());
      throw new GatewayError("not_found", `there is no deployment ${JSON.stringify(id)}.${hint}`, { param: "remove" });
    }
    for (const deployment of put) changed.set(deployment.id, completed(deployment));
    const next = [...changed.values()];
    checkDeployments(next, providers);
    strategy.validate?.(createModelTable(next, [...providers.values()]));
    models.replace(next);
  }

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
    changeDeployments,
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

/** The application's strategy, else a plugin's, else the listed order. */
function routingStrategy(
  container: DependencyContainer,
  plugins: readonly Plugin[],
  models: ModelTable,
  parts: RoutingParts,
): Strategy {
  const own = plugins.find((plugin) => plugin.strategy !== undefined)?.strategy;
  if (!container.isRegistered(STRATEGY, true)) {
    const strategy = typeof own === "function" ? own(models, parts) : (own ?? listedStrategy());
    container.register(STRATEGY, { useValue: strategy });
  }
  return container.resolve(STRATEGY);
}

/** The application's router, else a plugin's, else the listed one. */
function routerOf(
  container: DependencyContainer,
  plugins: readonly Plugin[],
  models: ModelTable,
  parts: RouterParts,
): Router {
  const own = plugins.find((plugin) => plugin.router !== undefined)?.router;
  if (!container.isRegistered(ROUTER, true)) {
    const router = typeof own === "function" ? own(models, parts) : (own ?? listedRouter(models, parts));
    container.register(ROUTER, { useValue: router });
  }
  return container.resolve(ROUTER);
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
