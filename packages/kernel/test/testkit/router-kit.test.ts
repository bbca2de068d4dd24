import { describe, expect, it } from "vitest";
import type { Call, Deployment, ModelTable, Router } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { testRouter } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

function known(models: ModelTable, call: Call): readonly Deployment[] {
  const { model } = call.request;
  const found = models.deployments(model);
  if (found.length > 0) return found;
  throw new GatewayError("model_not_found", `model ${JSON.stringify(model)} does not exist`, { param: "model" });
}

const listed = (models: ModelTable): Router => ({ route: (call) => known(models, call) });

/** Tries everything twice, waiting in between; listens to the signal. */
function patient(models: ModelTable, waitMs: number, listens: boolean): Router {
  return {
    async *route(call) {
      const deployments = known(models, call);
      let failed = false;
      for (const deployment of deployments) failed = (yield deployment) !== undefined || failed;
      if (!failed) return;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, waitMs);
        if (!listens) return;
        call.signal.addEventListener(
          "abort",
          () => {
            clearTimeout(timer);
            reject(call.signal.reason);
          },
          { once: true },
        );
      });
      yield* deployments;
    },
  };
}

/** Tries a deployment again that is overloaded, after a wait that listens to the signal. */
function repeating(models: ModelTable): Router {
  return {
    *route(call): Generator<Deployment | Promise<Deployment>, void, GatewayError | undefined> {
      for (const deployment of known(models, call)) {
        const error = yield deployment;
        if (error?.code === "provider_overloaded") yield resolvedAfter(5, deployment);
      }
    },
    recovers: ({ retryable, code }) => retryable || code === "context_length_exceeded",
  };
}

function resolvedAfter<T>(waitMs: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, waitMs, value));
}

/** Has room for so many calls at once, which it counts when it yields. */
function bounded(models: ModelTable, most: number, givesBack: boolean): Router {
  let held = 0;
  return {
    *route(call) {
      const [deployment] = known(models, call);
      if (deployment === undefined) return;
      if (held >= most) {
        call.trace.skip(deployment.id, "no room", { code: "concurrency_limit_exceeded" });
        throw new GatewayError("concurrency_limit_exceeded", "no room");
      }
      held += 1;
      try {
        yield deployment;
      } finally {
        if (givesBack) held -= 1;
      }
    },
  };
}

/** Remembers failures, and refuses when nothing is left. */
function avoiding(
  models: ModelTable,
  code: "no_healthy_deployment" | "internal_error" = "no_healthy_deployment",
): Router {
  const failed = new Set<string>();
  return {
    *route(call) {
      const healthy = known(models, call).filter(({ id }) => !failed.has(id));
      if (healthy.length === 0) throw new GatewayError(code, "nothing is healthy");
      yield* healthy;
    },
    report: ({ id }, { ok }) => void (ok ? failed.delete(id) : failed.add(id)),
  };
}

describe("testRouter on routers that are right", () => {
  const runner = { describe, it };
  describe("listed", () => testRouter({ runner, router: listed }));
  describe("waiting", () => testRouter({ runner, router: (models) => patient(models, 10_000, true) }));
  describe("repeating", () => testRouter({ runner, router: repeating }));
  describe("bounded", () => testRouter({ runner, router: (models) => bounded(models, 100, true) }));
  describe("of parts", () =>
    testRouter({
      runner,
      router: (models, { strategy }) => ({ route: (call) => strategy.order(call, known(models, call)) }),
    }));
  describe("avoiding", () => testRouter({ runner, router: (models) => avoiding(models) }));
});

describe("testRouter on routers that are wrong", () => {
  const wrong: Readonly<Record<string, readonly [(models: ModelTable) => Router, RegExp]>> = {
    "yields every deployment": [(models) => ({ route: () => models.all() }), /yields deployments of the model/],
    "yields copies": [
      (models) => ({ route: (call) => known(models, call).map((deployment) => ({ ...deployment })) }),
      /yields deployments of the model/,
    ],
    "yields nothing": [() => ({ route: () => [] }), /yields deployments of the model/],
    "is silent about models it does not know": [
      (models) => ({ route: (call) => models.deployments(call.request.model) }),
      /does not know a model/,
    ],
    "throws something else": [
      (models) => ({
        route(call) {
          const [first] = models.deployments(call.request.model);
          if (first === undefined) throw new TypeError("undefined is not a deployment");
          return [first];
        },
      }),
      /does not know a model/,
    ],
    "never stops": [
      (models) => ({
        *route(call) {
          for (;;) yield* known(models, call);
        },
      }),
      /comes to an end when/,
    ],
    "throws in report": [
      (models) => ({
        ...listed(models),
        report(deployment) {
          if (models.deployments(deployment.model).length === 0) throw new Error(`unknown ${deployment.id}`);
        },
      }),
      /never throws when it is told/,
    ],
    "waits past the signal": [(models) => patient(models, 300, false), /does not wait past the signal/],
    "repeats for ever what it is told of": [
      (models) => ({
        *route(call): Generator<Deployment, void, GatewayError | undefined> {
          for (const deployment of known(models, call)) while ((yield deployment)?.code === "timeout");
        },
      }),
      /whatever it is told of failures/,
    ],
    "waits in a dry run": [
      (models) => ({
        *route(call) {
          for (const deployment of known(models, call)) yield resolvedAfter(300, deployment);
        },
      }),
      /is done at once with a dry run/,
    ],
    "keeps what it yielded": [(models) => bounded(models, 100, false), /keeps no room for what was yielded/],
    "has a code of its own": [(models) => avoiding(models, "internal_error"), /comes to an end when/],
  };

  it.each(Object.entries(wrong))("catches one that %s", async (_name, [router, match]) => {
    const runner = fakeRunner();
    testRouter({ runner, router });
    expect(await failuresOf(runner.cases, match)).toHaveLength(1);
  });

  it("hands the author's deployments to the router", async () => {
    const runner = fakeRunner();
    const weights: (number | undefined)[] = [];
    const router = (models: ModelTable): Router => {
      weights.push(...models.deployments("kit-three").map(({ weight }) => weight));
      return listed(models);
    };
    testRouter({ runner, router, deployment: (deployment, index) => ({ ...deployment, weight: index }) });
    await runner.cases[0]?.body();
    expect(weights).toEqual([0, 1, 2]);
  });
});
