import assert from "node:assert/strict";
import type { Call } from "../call.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import type { ErrorCode } from "../errors.ts";
import { ERROR_RULES, GatewayError, isGatewayError } from "../errors.ts";
import type { Found } from "../gateway/candidates.ts";
import { iterate, pull } from "../gateway/candidates.ts";
import { listedStrategy } from "../gateway/listed-router.ts";
import type { Outcome, Router, RouterParts } from "../router.ts";
import type { Runner } from "./runner.ts";
import { Cases, within } from "./runner.ts";
import { attempted, kitCall, kitParts, kitTable, STRANGE_OUTCOMES, STRANGER } from "./strategy-bench.ts";

/** What `testRouter` needs. */
export interface RouterKit {
  readonly runner: Runner;
  /** Made anew for every case. */
  readonly router: (models: ModelTable, parts: RouterParts) => Router | Promise<Router>;
  /** Added to the kit's deployments: weights, tags, settings that the strategy needs. */
  readonly deployment?: (deployment: Deployment, index: number) => Deployment;
}

/** A router that yields more than this for one call will never stop. */
const MANY = 1_000;
const ABORT_MS = 100;
const PATIENCE_MS = 50;
const DRY_RUN_MS = 500;

/** What a router may answer when it has nothing to try. */
const NOTHING_LEFT: ReadonlySet<ErrorCode> = new Set([
  "no_matching_deployment",
  "no_healthy_deployment",
  "rate_limit_exceeded",
  "concurrency_limit_exceeded",
]);

const FAILED = STRANGE_OUTCOMES[2] as Outcome;

/** Nobody is well, as far as a router can find out. */
const unprobed = (): Promise<never> => Promise.reject(new GatewayError("provider_error", "nobody answers the kit"));

interface RouterCase {
  readonly router: Router;
  readonly models: ModelTable;
}

/** The conformance suite of routers: only what was asked for, no end without end, no wait past the signal. */
export function testRouter(kit: RouterKit): void {
  const cases = new Cases(kit.runner);
  const add = (name: string, body: (one: RouterCase) => Promise<void>): void =>
    cases.add(name, async () => {
      const models = kitTable(kit.deployment);
      const parts: RouterParts = { ...kitParts(), strategy: listedStrategy(), probe: unprobed };
      await body({ router: await kit.router(models, parts), models });
    });

  cases.group("router conformance", () => {
    add("yields deployments of the model, as the table has them", async ({ router, models }) => {
      for (let round = 0; round < 20; round++) {
        for (const model of ["kit-one", "kit-three", "vendor/anything"]) {
          const tried = [await first(router, model)];
          if (round === 0) tried.push(...(await drainOrNothing(router, kitCall(model))));
          for (const deployment of tried) {
            assert.ok(deployment !== undefined, `nothing to try for "${model}"`);
            const known = models.deployments(model).includes(deployment);
            assert.ok(known, `"${deployment.id}" (${deployment.model}) was tried for "${model}"`);
          }
        }
      }
    });

    add("says that it does not know a model", async ({ router }) => {
      const error = await errorOf(() => drain(router, kitCall("kit-nowhere")));
      assert.equal(error.code, "model_not_found");
      assert.ok(error.message.includes("kit-nowhere"), `the message does not name the model: ${error.message}`);
    });

    add("comes to an end when everything fails, in the codes of the contract", async ({ router, models }) => {
      for (let round = 0; round < 10; round++) {
        const yielded = await drainOrNothing(router, kitCall("kit-three"), FAILED);
        assert.ok(yielded.length < MANY, `${yielded.length} deployments were yielded for one call`);
        for (const deployment of yielded) assert.ok(models.deployments("kit-three").includes(deployment));
      }
    });

    add("never throws when it is told how an attempt ended", async ({ router, models }) => {
      for (const deployment of [...models.all(), STRANGER]) {
        for (const outcome of STRANGE_OUTCOMES) {
          const call = kitCall(deployment.model);
          assert.equal(router.begin?.(deployment, call), undefined);
          assert.equal(router.answered?.(deployment, outcome.firstEventMs, call), undefined);
          assert.equal(router.report?.(deployment, outcome, call), undefined);
        }
      }
      await drainOrNothing(router, kitCall("kit-three"));
    });

    add("serves many calls at once", async ({ router, models }) => {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const model = index % 2 === 0 ? "kit-one" : "kit-three";
          const yielded = await drainOrNothing(router, kitCall(model), index % 3 === 0 ? FAILED : undefined);
          for (const deployment of yielded) assert.ok(models.deployments(model).includes(deployment));
        }),
      );
    });

    add("comes to an end whatever it is told of failures", async ({ router, models }) => {
      const codes = Object.keys(ERROR_RULES).filter((code) => ERROR_RULES[code as ErrorCode].status > 0) as ErrorCode[];
      for (const code of codes) {
        const error = new GatewayError(code, "as the kit wants it", { source: "kit" });
        const yielded = await drainOrNothing(router, kitCall("kit-three"), { ...FAILED, error });
        assert.ok(yielded.length < MANY, `${yielded.length} deployments were yielded after "${code}"`);
        for (const deployment of yielded) assert.ok(models.deployments("kit-three").includes(deployment));
      }
    });

    add("is done at once with a dry run, in which nothing is tried", async ({ router, models }) => {
      for (let round = 0; round < 5; round++) {
        const yielded = await within(DRY_RUN_MS, "a dry run", drain(router, kitCall("kit-three")));
        assert.ok(yielded.length > 0 && yielded.length < MANY, `${yielded.length} deployments were yielded`);
        for (const deployment of yielded) assert.ok(models.deployments("kit-three").includes(deployment));
      }
    });

    add("keeps no room for what was yielded and not tried", async ({ router }) => {
      for (let round = 0; round < 200; round++) {
        const candidates = iterate(router.route(kitCall("kit-three")));
        const deployment = await within(ABORT_MS, "the first deployment", Promise.resolve(pull(candidates, undefined)));
        await candidates.return?.();
        assert.ok(deployment !== undefined, `after ${round} calls that were left, nothing is free`);
      }
    });

    add("begins nothing for a call that is over", async ({ router }) => {
      const call = kitCall("kit-three", AbortSignal.abort(new GatewayError("client_closed", "the caller left")));
      await within(ABORT_MS, "routing a call that is over", settled(drain(router, call)));
    });

    add("does not wait past the signal", async ({ router }) => {
      // Everything has failed and says "in a minute": a router that waits, waits now.
      for (let round = 0; round < 5; round++) await drainOrNothing(router, kitCall("kit-three"), FAILED);
      const controller = new AbortController();
      const call = kitCall("kit-three", controller.signal);
      const routing = settled(drain(router, call, FAILED));
      await new Promise((resolve) => setTimeout(resolve, 30));
      controller.abort(new GatewayError("client_closed", "the caller left"));
      await within(ABORT_MS, "routing after the signal", routing);
    });
  });
}

/** Pulls until the end as a gateway does whose every attempt ends with `outcome`; without one, nothing is tried. */
async function drain(
  router: Router,
  call: Call,
  outcome?: Outcome,
  watched: (next: () => Found) => Found = (next) => next(),
): Promise<readonly Deployment[]> {
  const candidates = iterate(router.route(call));
  const yielded: Deployment[] = [];
  let failure: GatewayError | undefined;
  while (yielded.length < MANY && !call.signal.aborted) {
    const found = watched(() => pull(candidates, failure));
    let deployment: Deployment | undefined;
    try {
      deployment = await found;
    } catch (thrown) {
      // A wait that came to nothing is a failure like that of a try.
      if (!isGatewayError(thrown) || call.signal.aborted || !recovers(router, thrown, call)) throw thrown;
      failure = thrown;
      continue;
    }
    if (deployment === undefined) return yielded;
    yielded.push(deployment);
    if (outcome !== undefined) {
      attempted(router, deployment, call, outcome);
      failure = outcome.error;
      if (failure !== undefined && !recovers(router, failure, call)) break;
    }
    // So that a router which never stops does not stop the timers.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await candidates.return?.();
  return yielded;
}

function recovers(router: Router, error: GatewayError, call: Call): boolean {
  return router.recovers?.(error, call) ?? error.retryable;
}

/**
 * The same, without waiting: a router may wait for the end of a cooldown, the kit then ends the call. A router that has
 * learnt to avoid everything may say so, in the codes of the contract.
 */
async function drainOrNothing(router: Router, call: Call, outcome?: Outcome): Promise<readonly Deployment[]> {
  const controller = new AbortController();
  const bounded = kitCall(call.request.model, controller.signal);
  let timer: NodeJS.Timeout | undefined;
  const watched = (next: () => Found): Found => {
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
  const call = kitCall(model);
  const candidates = iterate(router.route(call));
  const deployment = await pull(candidates, undefined);
  if (deployment === undefined) return undefined;
  attempted(router, deployment, call, { ok: true, firstEventMs: 1, durationMs: 1 });
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
