import { cacheSettings } from "../cache/cache-policy.ts";
import { PendingWrites } from "../cache/pending-writes.ts";
import type { Attempt, Call } from "../call.ts";
import { GUARDRAILS, MODEL_FACTS, OPEN_CALL, PRICING, resolveOptional } from "../container.ts";
import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { CallInput, DeploymentChange, Gateway, GatewayOptions, OpenCall } from "../gateway.ts";
import { IdSource } from "../ids.ts";
import { didYouMean } from "../nearest.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";
import { resultOf } from "../reply.ts";
import type { RouterParts } from "../router.ts";
import { ActiveCalls } from "./active-calls.ts";
import { AttemptWatchers } from "./attempt-watchers.ts";
import { attempts } from "./attempts.ts";
import { checkDeployments } from "./check-deployments.ts";
import { checkOptions } from "./check-options.ts";
import { checkFallbacks, checkPlugins, checkRoutes, collectProviders } from "./checks.ts";
import { contractLayers } from "./contract-layers.ts";
import type { DeploymentCallParts } from "./deployment-calls.ts";
import { listDeploymentModels, probeDeployment } from "./deployment-calls.ts";
import { deploymentFacts } from "./deployment-facts.ts";
import { explainCall } from "./explain-call.ts";
import { guardrailWishes } from "./guardrail-selection.ts";
import { ModelCatalog } from "./model-catalog.ts";
import { collectNames } from "./model-names.ts";
import { createModelTable, implicitDeployment } from "./model-table.ts";
import { combineObservers } from "./observers.ts";
import type { CallContext } from "./open-call.ts";
import { RunningCall } from "./open-call.ts";
import { composeAttempt, composeCall, placeLayers } from "./pipeline.ts";
import { pluginHealth } from "./plugin-health.ts";
import { resolveContracts, startPlugins } from "./resolve-contracts.ts";
import { resolveRouting } from "./resolve-routing.ts";
import { chatFunction, embedFunction } from "./sdk.ts";

const DEFAULT_TIMEOUT_MS = 600_000;

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
  const { plugins, fallbacks = {}, aliases } = options;
  const caching = cacheSettings(options.caching);
  const cacheWrites = new PendingWrites();
  checkPlugins(plugins);
  checkRoutes(plugins);
  const providers = collectProviders(plugins);
  const vendors = [...providers.values()];
  const completed = (deployment: Deployment): Deployment =>
    options.dropParams === undefined || deployment.dropParams !== undefined
      ? deployment
      : { ...deployment, dropParams: options.dropParams };
  const deployments = (options.deployments ?? vendors.map(implicitDeployment)).map(completed);
  checkDeployments(deployments, providers);
  const models = createModelTable(deployments, vendors);
  const names = collectNames(aliases, plugins, models);
  checkFallbacks(fallbacks, models, names);

  const { container, authenticator, state, transport, caches, closed } = await resolveContracts(options, models);
  const facts = deploymentFacts(providers, resolveOptional(container, PRICING));
  container.register(MODEL_FACTS, { useValue: facts });
  container.register(GUARDRAILS, { useValue: plugins.flatMap((plugin) => plugin.guardrails ?? []) });
  const observers = combineObservers(plugins);
  const layers = placeLayers(plugins, contractLayers(plugins, caches, caching, cacheWrites));
  const answer = composeAttempt(layers, (attempt: Attempt) => {
    const operation = providers.get(attempt.deployment.provider)?.operations[attempt.operation];
    return (operation as (of: Attempt) => Reply<OperationName>)(attempt);
  });
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const idleTimeoutMs = options.idleTimeoutMs ?? timeoutMs;
  const ids = new IdSource();
  const active = new ActiveCalls();
  let refusal: GatewayError | undefined;
  let closing: Promise<void> | undefined;

  const open = <Name extends OperationName>(input: CallInput<Name>): OpenCall<Name> => new RunningCall(context, input);
  const direct: DeploymentCallParts = { providers, transport, idleTimeoutMs, open, answer };
  const parts: Omit<RouterParts, "strategy"> = {
    state,
    facts,
    fallbacks,
    otherNames: new Set([...names.aliases.keys(), ...names.selectors.keys()]),
    modelFor: names.modelFor,
    probe: (deployment, input, signal) => probeDeployment(direct, deployment, input, signal),
  };
  const { router, strategy, watchers: named } = resolveRouting(container, plugins, models, parts);
  const watchers = new AttemptWatchers(named);
  const routed = { models, selectors: names.selectors, router, providers };
  const context: CallContext = {
    nextId: () => ids.next(),
    timeoutMs,
    modelFor: names.modelFor,
    observers,
    extensions: new Set([
      ...plugins.flatMap((plugin) => [...(plugin.extensions ?? []), ...guardrailWishes(plugin)]),
      ...(caches.size > 0 ? ["cache"] : []),
    ]),
    answer: composeCall(layers, attempts({ ...routed, transport, watchers, observers, idleTimeoutMs, answer })),
    active,
    refusal: () => refusal,
  };
  const listModels: Gateway["listModels"] = (deployment, signal = new AbortController().signal) =>
    listDeploymentModels(direct, deployment, signal);
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
    const table = createModelTable(next, vendors);
    checkFallbacks(fallbacks, table, collectNames(aliases, plugins, table));
    strategy.validate?.(table);
    router.validate?.(table);
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
    await cacheWrites.settled();
    for (const plugin of [...plugins].reverse()) await plugin.close?.();
    for (const each of closed) await each.close?.();
    container.clearInstances();
  }

  container.register(OPEN_CALL, { useValue: open });
  try {
    await startPlugins(plugins, container);
  } catch (thrown) {
    await closeAll();
    throw thrown;
  }
  return {
    plugins: plugins.map(({ name }) => name),
    providers: vendors,
    dialects: plugins.flatMap((plugin) => plugin.dialects ?? []),
    routes: plugins.flatMap((plugin) => plugin.routes ?? []),
    caches,
    models,
    changeDeployments,
    authenticator,
    open,
    run: async <Name extends OperationName>(input: CallInput<Name>): Promise<ResultOf<Name>> =>
      await resultOf(open(input).reply),
    chat: chatFunction(open),
    embed: embedFunction(open),
    explain: (input) => explainCall(routed, layers, open(input).call as Call),
    listModels,
    catalog: (principal) => catalog.list(principal),
    health: () => pluginHealth(plugins),
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
