import assert from "node:assert/strict";
import type { Call } from "../call.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import type { ErrorCode } from "../errors.ts";
import { GatewayError, isGatewayError } from "../errors.ts";
import { iterate, pull } from "../gateway/candidates.ts";
import { createModelTable } from "../gateway/model-table.ts";
import type { Outcome, Router } from "../router.ts";
import type { Runner } from "./runner.ts";
import { Cases, within } from "./runner.ts";
import { testCall } from "./test-context.ts";

/** What `testRouter` needs. */
export interface RouterKit {
  readonly runner: Runner;
  /** Made anew for every case. */
  readonly router: (models: ModelTable) => Router | Promise<Router>;
  /** Added to the kit's deployments: weights, tags, settings that the strategy needs. */
  readonly deployment?: (deployment: Deployment, index: number) => Deployment;
}

/** A router that yields more than this for one call will never stop. */
const MANY = 1_000;
const ABORT_MS = 100;
const PATIENCE_MS = 50;

/** What a router may answer when it has nothing to try. */
const NOTHING_LEFT: ReadonlySet<ErrorCode> = new Set(["no_matching_deployment", "no_healthy_deployment"]);

const FAILED: Outcome = {
  ok: false,
  error: new GatewayError("provider_rate_limited", "slow down", { source: "kit", retryAfterMs: 60_000 }),
  firstEventMs: 5,
  durationMs: 5,
};

interface RouterCase {
  readonly router: Router;
  readonly models: ModelTable;
}

/** The conformance suite of routers: only what was asked for, no end without end, no wait past the signal. */
export function testRouter(kit: RouterKit): void {
  const cases = new Cases(kit.runner);
  const add = (name: string, body: (one: RouterCase) => Promise<void>): void =>
    cases.add(name, async () => {
      const models = modelTable(kit);
      await body({ router: await kit.router(models), models });
    });

  cases.group("router conformance", () => {
    add("yields deployments of the model, as the table has them", async ({ router, models }) => {
      for (let round = 0; round < 20; round++) {
        for (const model of ["kit-one", "kit-three", "vendor/anything"]) {
          const tried = [await first(router, model)];
          if (round === 0) tried.push(...(await drainOrNothing(router, chatCall(model))));
          for (const deployment of tried) {
            assert.ok(deployment !== undefined, `nothing to try for "${model}"`);
            const known = models.deployments(model).includes(deployment);
            assert.ok(known, `"${deployment.id}" (${deployment.model}) was tried for "${model}"`);
          }
        }
      }
    });

    add("says that it does not know a model", async ({ router }) => {
      const error = await errorOf(() => drain(router, chatCall("kit-nowhere")));
      assert.equal(error.code, "model_not_found");
      assert.ok(error.message.includes("kit-nowhere"), `the message does not name the model: ${error.message}`);
    });

    add("comes to an end when everything fails, in the codes of the contract", async ({ router, models }) => {
      for (let round = 0; round < 10; round++) {
        const yielded = await drainOrNothing(router, chatCall("kit-three"), FAILED);
        assert.ok(yielded.length < MANY, `${yielded.length} deployments were yielded for one call`);
        for (const deployment of yielded) assert.ok(models.deployments("kit-three").includes(deployment));
      }
    });

    add("never throws when it is told how an attempt ended", async ({ router, models }) => {
      const outcomes: readonly Outcome[] = [
        { ok: true, firstEventMs: 1, durationMs: 2 },
        { ok: true, firstEventMs: 0, durationMs: 0 },
        FAILED,
        { ok: false, error: new GatewayError("client_closed", "gone"), firstEventMs: 0, durationMs: 0 },
        { ok: false, firstEventMs: Number.NaN, durationMs: -1 },
        { ok: true, firstEventMs: Number.POSITIVE_INFINITY, durationMs: Number.POSITIVE_INFINITY },
      ];
      const stranger: Deployment = { id: "gone", model: "gone", provider: "kit", upstreamModel: "gone" };
      for (const deployment of [...models.all(), stranger]) {
        for (const outcome of outcomes) {
          const call = chatCall(deployment.model);
          assert.equal(router.begin?.(deployment, call), undefined);
          assert.equal(router.report?.(deployment, outcome, call), undefined);
        }
      }
      await drainOrNothing(router, chatCall("kit-three"));
    });

    add("serves many calls at once", async ({ router, models }) => {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const model = index % 2 === 0 ? "kit-one" : "kit-three";
          const yielded = await drainOrNothing(router, chatCall(model), index % 3 === 0 ? FAILED : undefined);
          for (const deployment of yielded) assert.ok(models.deployments(model).includes(deployment));
        }),
      );
    });

    add("begins nothing for a call that is over", async ({ router }) => {
      const call = chatCall("kit-three", AbortSignal.abort(new GatewayError("client_closed", "the caller left")));
      await within(ABORT_MS, "routing a call that is over", settled(drain(router, call)));
    });

    add("does not wait past the signal", async ({ router }) => {
      // Everything has failed and says "in a minute": a router that waits, waits now.
      for (let round = 0; round < 5; round++) await drainOrNothing(router, chatCall("kit-three"), FAILED);
      const controller = new AbortController();
      const call = chatCall("kit-three", controller.signal);
      const routing = settled(drain(router, call, FAILED));
      await new Promise((resolve) => setTimeout(resolve, 30));
      controller.abort(new GatewayError("client_closed", "the caller left"));
      await within(ABORT_MS, "routing after the signal", routing);
    });
  });
}

function modelTable(kit: RouterKit): ModelTable {
  const deployments: readonly Deployment[] = [
    ...["a", "b", "c"].map((id) => ({ id, model: "kit-three", provider: "kit", upstreamModel: `up-${id}` })),
    { id: "d", model: "kit-one", provider: "kit", upstreamModel: "up-d" },
    { id: "e", model: "vendor/*", provider: "kit", upstreamModel: "*" },
    { id: "f", model: "kit-other", provider: "kit", upstreamModel: "up-f" },
  ];
  return createModelTable(kit.deployment === undefined ? deployments : deployments.map(kit.deployment), []);
}

function chatCall(model: string, signal?: AbortSignal): Call {
  const request = { model, messages: [{ role: "user", content: [{ type: "text", text: "Hello." }] }] } as const;
  return testCall({ operation: "chat", request, ...(signal !== undefined && { signal }) }) as unknown as Call;
}

/** Pulls until the end as a gateway does whose every attempt ends with `outcome`. */
async function drain(
  router: Router,
  call: Call,
  outcome?: Outcome,
  watched: (next: () => Pulled) => Pulled = (next) => next(),
): Promise<readonly Deployment[]> {
  const candidates = iterate(router.route(call));
  const yielded: Deployment[] = [];
  let failure: GatewayError | undefined;
  while (yielded.length < MANY && !call.signal.aborted) {
    const deployment = await watched(() => pull(candidates, failure));
    if (deployment === undefined) return yielded;
    yielded.push(deployment);
    if (outcome !== undefined) {
      router.begin?.(deployment, call);
      router.report?.(deployment, outcome, call);
      failure = outcome.error;
    }
    // So that a router which never stops does not stop the timers.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await candidates.return?.();
  return yielded;
}

type Pulled = Deployment | undefined | Promise<Deployment | undefined>;

/**
 * The same, without waiting: a router may wait for the end of a cooldown, the kit then ends the call. A router that has
 * learnt to avoid everything may say so, in the codes of the contract.
 */
async function drainOrNothing(router: Router, call: Call, outcome?: Outcome): Promise<readonly Deployment[]> {
  const controller = new AbortController();
  const bounded = chatCall(call.request.model, controller.signal);
  let timer: NodeJS.Timeout | undefined;
  const watched = (next: () => Pulled): Pulled => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(new GatewayError("timeout", "the deadline was reached")), PATIENCE_MS);
    return next();
  };
  try {
    return await drain(router, bounded, outcome, watched);
  } catch (thrown) {
    assert.ok(isGatewayError(thrown), `expected a GatewayError, got ${String(thrown)}`);
    const allowed = NOTHING_LEFT.has(thrown.code) || (controller.signal.aborted && thrown.code === "timeout");
    assert.ok(allowed, `a router does not answer ${thrown.code}: ${thrown.message}`);
    return [];
  } finally {
    clearTimeout(timer);
  }
}

/** The first deployment, whose attempt succeeds: what happens to nearly every call. */
async function first(router: Router, model: string): Promise<Deployment | undefined> {
  const call = chatCall(model);
  const candidates = iterate(router.route(call));
  const deployment = await pull(candidates, undefined);
  if (deployment === undefined) return undefined;
  router.begin?.(deployment, call);
  router.report?.(deployment, { ok: true, firstEventMs: 1, durationMs: 1 }, call);
  await candidates.return?.();
  return deployment;
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => undefined,
    () => undefined,
  );
}

async function errorOf(body: () => Promise<unknown>): Promise<GatewayError> {
  try {
    await body();
  } catch (thrown) {
    assert.ok(isGatewayError(thrown), `expected a GatewayError, got ${String(thrown)}`);
    return thrown;
  }
  throw new assert.AssertionError({ message: "expected an error" });
}
