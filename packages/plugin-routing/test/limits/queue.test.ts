import { describe, expect, test } from "vitest";
import type { CallOptions, GatewayError } from "@signalbox/kernel";
import type { LimitedGateway } from "./limited-gateway.ts";
import { limitedGateway, pause } from "./limited-gateway.ts";

const one = (slow: string): { upstreamModel: string; maxParallel: number } => ({
  upstreamModel: slow,
  maxParallel: 1,
});

function urgent(name: string, priority?: unknown): CallOptions {
  return { traceId: name, ...(priority !== undefined && { extensions: { priority } }) };
}

async function failure(reply: Promise<unknown>): Promise<GatewayError> {
  return await reply.then(
    () => {
      throw new Error("expected an error");
    },
    (error: GatewayError) => error,
  );
}

describe("1,000 calls at once", () => {
  test("on 10 places: never more than 10 at once, and all are served", async () => {
    const { ask, most, running } = await limitedGateway([{ upstreamModel: "slow-2ms", maxParallel: 10 }], {
      queue: {},
    });
    const replies = await Promise.all(Array.from({ length: 1_000 }, () => ask()));
    expect(new Set(replies).size).toBe(1_000);
    expect(most.get("d0")).toBe(10);
    expect(running("d0")).toBe(0);
  });

  test("on the places of two deployments", async () => {
    const { ask, most, running, begun } = await limitedGateway(
      [
        { upstreamModel: "slow-1ms", maxParallel: 8 },
        { upstreamModel: "slow-3ms", maxParallel: 4 },
      ],
      { queue: {} },
    );
    await Promise.all(Array.from({ length: 1_000 }, (_, at) => ask({ traceId: String(at) })));
    expect([most.get("d0"), most.get("d1")]).toEqual([8, 4]);
    expect([running("d0"), running("d1")]).toEqual([0, 0]);
    // equals are served in order of arrival
    expect(begun).toEqual(Array.from({ length: 1_000 }, (_, at) => String(at)));
  });

  test("without a queue those that find no room are refused at once", async () => {
    const { ask, running } = await limitedGateway([{ upstreamModel: "slow-50ms", maxParallel: 10 }]);
    const replies = await Promise.allSettled(Array.from({ length: 1_000 }, () => ask()));
    expect(replies.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    const refused = replies.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(refused.reason).toMatchObject({
      code: "concurrency_limit_exceeded",
      status: 429,
      retryAfterMs: 1_000,
      message: 'no deployment of model "m" can be used at the moment: it takes no more than 10 calls at the same time',
    });
    expect(running("d0")).toBe(0);
  });
});

describe("the order of the queue", () => {
  test("lower numbers first, then in order of arrival; 0 is what a call has that does not say", async () => {
    const { ask, begun } = await limitedGateway([one("slow-2ms")], { queue: {} });
    const names: readonly [string, number | undefined][] = [
      ["first", 9],
      ["a5", 5],
      ["a2000", 2_000],
      ["a0", 0],
      ["b5", 5],
      ["a1", 1],
      ["b0", undefined],
      ["c5", 5],
      ["b1", 1],
    ];
    await Promise.all(names.map(([name, priority]) => ask(urgent(name, priority))));
    expect(begun).toEqual(["first", "a0", "b0", "a1", "b1", "a5", "b5", "c5", "a2000"]);
  });

  test("who arrives does not overtake who waits", async () => {
    const { ask, begun } = await limitedGateway([one("slow-5ms")], { queue: {} });
    const replies = [ask(urgent("running")), ask(urgent("waiting"))];
    void replies[0]?.then(() => {
      replies.push(ask(urgent("late")));
    });
    await replies[0];
    await pause(1);
    await Promise.all(replies);
    expect(begun).toEqual(["running", "waiting", "late"]);
  });

  test.each(["high", 1.5, -1, Number.NaN, null, {}])("a priority of %o is refused", async (priority) => {
    const { ask, running } = await limitedGateway([one("fixed")], { queue: {} });
    const error = await failure(ask(urgent("a", priority)));
    expect(error).toMatchObject({ code: "invalid_request", status: 400, param: "priority" });
    expect(error.message).toBe('"priority" must be a whole number from 0 (the most urgent)');
    expect(running("d0")).toBe(0);
  });
});

describe("the queue is bounded", () => {
  test("in number: one more is refused with 429", async () => {
    const { ask, running } = await limitedGateway([one("slow-20ms")], { queue: { maxWaiting: 2 } });
    const replies = await Promise.allSettled([ask(), ask(), ask(), ask(), ask()]);
    expect(replies.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
    ]);
    expect((replies[3] as PromiseRejectedResult).reason).toMatchObject({
      code: "concurrency_limit_exceeded",
      status: 429,
      retryAfterMs: 1_000,
      message:
        'no deployment of model "m" can be used at the moment: it takes no more than 1 calls at the same time, and no more calls can wait',
    });
    expect(running("d0")).toBe(0);
  });

  test("in time: who waits for longer gets 503, and is out of the queue", async () => {
    const { ask, begun, running } = await limitedGateway([one("slow-120ms")], { queue: { maxWaitMs: 40 } });
    const running1 = ask(urgent("running"));
    const began = performance.now();
    const error = await failure(ask(urgent("waiting")));
    const waitedMs = performance.now() - began;
    expect(error).toMatchObject({ code: "overloaded", status: 503, retryAfterMs: 1_000 });
    expect(error.message).toBe('no deployment of model "m" had room within 0.04 s');
    expect(waitedMs).toBeGreaterThanOrEqual(39);
    expect(waitedMs).toBeLessThan(110);
    await running1;
    expect(running("d0")).toBe(0);
    await ask(urgent("next"));
    expect(begun).toEqual(["running", "next"]);
  });

  test("a rate is not waited for", async () => {
    const { ask } = await limitedGateway([{ rpm: 1, maxParallel: 1 }], { queue: {}, now: () => 60_000_000_000 });
    await ask();
    expect(await failure(ask())).toMatchObject({ code: "rate_limit_exceeded", retryAfterMs: 60_001 });
  });
});

test("a limit of tokens says so to the client", async () => {
  const { ask } = await limitedGateway([{ tpm: 100 }], { now: () => 60_000_000_000 });
  await ask();
  const error = await failure(ask());
  expect(error).toMatchObject({ code: "rate_limit_exceeded", status: 429, type: "tokens" });
  expect(error.message).toContain("it has had its 100 tokens of this minute");
});

describe("who is no longer there", () => {
  test("leaves the queue at once", async () => {
    const { ask, begun, running } = await limitedGateway([one("slow-80ms")], { queue: {} });
    const controller = new AbortController();
    const running1 = ask(urgent("running"));
    const left = failure(ask(urgent("leaves"), controller.signal));
    const stays = ask(urgent("stays"));
    await pause(20);
    const began = performance.now();
    controller.abort();
    expect((await left).code).toBe("client_closed");
    expect(performance.now() - began).toBeLessThan(30);
    await Promise.all([running1, stays]);
    expect(begun).toEqual(["running", "stays"]);
    expect(running("d0")).toBe(0);
  });

  test("gives its place to the next one", async () => {
    const { ask, begun, running } = await limitedGateway([one("slow-5s")], { queue: {} });
    const controllers = [new AbortController(), new AbortController(), new AbortController()];
    const replies = controllers.map((controller, at) => failure(ask(urgent(String(at)), controller.signal)));
    for (const controller of controllers) {
      await pause(5);
      controller.abort();
    }
    expect((await Promise.all(replies)).map(({ code }) => code)).toEqual(Array(3).fill("client_closed"));
    expect(begun).toEqual(["0", "1", "2"]);
    expect(running("d0")).toBe(0);
  });

  test("holds no place after a stream that was left in the middle", async () => {
    const { gateway, running } = await limitedGateway([one("chunks-1000-every-1ms")], { queue: {} });
    const { reply } = gateway.open({
      operation: "chat",
      request: { model: "m", stream: true, messages: [{ role: "user", content: [{ type: "text", text: "Go." }] }] },
    });
    await reply.next();
    expect(running("d0")).toBe(1);
    await reply.return(undefined as never);
    expect(running("d0")).toBe(0);
  });

  test("at its deadline", async () => {
    const { ask, running } = await limitedGateway([one("slow-300ms")], { queue: {} });
    const first = ask();
    const error = await failure(ask({ timeoutMs: 30 }));
    expect(error).toMatchObject({ code: "timeout", status: 504 });
    await first;
    expect(running("d0")).toBe(0);
  });
});

describe("no claim is lost", () => {
  test("by failures, before and in the middle of the answer", async () => {
    const { ask, gateway, running, most } = await limitedGateway(
      [
        { upstreamModel: "fault-500", maxParallel: 3 },
        { upstreamModel: "fault-429", maxParallel: 2 },
        { upstreamModel: "fault-midstream-each-2", maxParallel: 4 },
      ],
      { queue: {} },
    );
    const replies = await Promise.allSettled(Array.from({ length: 200 }, () => ask()));
    const streams = await Promise.allSettled(
      Array.from({ length: 50 }, async () => {
        const request = { model: "m", messages: [{ role: "user", content: "Hello." }] } as const;
        for await (const _event of gateway.chat.stream(request));
      }),
    );
    expect(replies.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
    expect(streams.filter(({ status }) => status === "rejected").length).toBeGreaterThan(0);
    expect([running("d0"), running("d1"), running("d2")]).toEqual([0, 0, 0]);
    expect([most.get("d0"), most.get("d1"), most.get("d2")]).toEqual([3, 2, 4]);
  });

  const hedged = (afterMs: number) => (): LimitedGateway | Promise<LimitedGateway> =>
    limitedGateway(
      [
        { upstreamModel: "slow-40ms", maxParallel: 2 },
        { upstreamModel: "slow-5ms", maxParallel: 1 },
      ],
      { queue: {} },
      (models, { strategy }) => ({
        route: (call) => strategy.order(call, models.deployments(call.model, call.principal)),
        hedgeAfterMs: () => afterMs,
      }),
    );

  test.each([1, 10, 60])("by hedges after %i ms", async (afterMs) => {
    const { ask, running, most } = await hedged(afterMs)();
    await Promise.all(Array.from({ length: 60 }, () => ask()));
    await pause(60);
    expect(most.get("d0")).toBeLessThanOrEqual(2);
    expect(most.get("d1")).toBe(1);
    expect([running("d0"), running("d1")]).toEqual([0, 0]);
    await Promise.all([ask(), ask(), ask()]);
  });

  test("by dry runs, of which none is counted", async () => {
    const { ask, gateway, running } = await limitedGateway([{ rpm: 2, maxParallel: 1 }, { maxParallel: 1 }], {
      queue: {},
    });
    const request = { model: "m", messages: [{ role: "user", content: [{ type: "text", text: "Hello." }] }] } as const;
    for (let at = 0; at < 20; at++) {
      const { attempts } = await gateway.explain({ operation: "chat", request });
      expect(attempts.map(({ deployment }) => deployment)).toEqual(["d0", "d1"]);
    }
    expect([running("d0"), running("d1")]).toEqual([0, 0]);
    await ask();
    await ask();
    expect((await gateway.explain({ operation: "chat", request })).skipped.map(({ code }) => code)).toEqual([
      "rate_limit_exceeded",
    ]);
  });

  test("by deployments that are changed while calls wait", async () => {
    const { ask, gateway, running, begun } = await limitedGateway([{ ...one("slow-10ms"), id: "old" }], { queue: {} });
    const replies = [1, 2, 3].map((at) => ask(urgent(String(at))));
    await pause(1);
    gateway.changeDeployments({
      put: [{ id: "new", model: "m", provider: "mock", upstreamModel: "fixed", maxParallel: 1 }],
      remove: ["old"],
    });
    replies.push(ask(urgent("new")));
    await Promise.all(replies);
    expect(begun).toEqual(["1", "new", "2", "3"]);
    expect([running("old"), running("new")]).toEqual([0, 0]);
  });
});

test("a wait is told in the trace", async () => {
  const { ask, gateway } = await limitedGateway([one("slow-30ms")], { queue: {} });
  const first = ask();
  await pause(1);
  const { call, reply } = gateway.open({
    operation: "chat",
    request: { model: "m", messages: [{ role: "user", content: [{ type: "text", text: "Hello." }] }] },
  });
  await reply.next();
  await first;
  expect(call.trace.notes?.map(({ text }) => text.replace(/\d+ ms/, "N ms"))).toEqual([
    "waits for room at 1 busy deployments: 1 calls wait",
    'waited N ms for room at "d0"',
  ]);
});

test("full deployments are passed over for one that has room; nobody waits then", async () => {
  const { ask, begun, most } = await limitedGateway([one("slow-20ms"), { maxParallel: 100 }], { queue: {} });
  await Promise.all(Array.from({ length: 20 }, () => ask()));
  expect(begun).toHaveLength(20);
  expect(most.get("d0")).toBe(1);
  expect(most.get("d1")).toBeGreaterThan(10);
});
