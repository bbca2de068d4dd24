import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it } from "vitest";
import type { Call, Deployment, GatewayError as Failure, Layer, Outcome, Router, Strategy } from "@signalbox/kernel";
import { createGateway, GatewayError } from "@signalbox/kernel";
import type { Driven, DrivenOptions } from "../support/driven-gateway.ts";
import {
  breaks,
  chat,
  drivenGateway,
  fails,
  hangs,
  outcomeOf,
  pause,
  says,
  stalls,
} from "../support/driven-gateway.ts";
import { scripted, textResult } from "../support/scripted-provider.ts";

const open: Driven[] = [];

async function driven(options: DrivenOptions): Promise<Driven> {
  const one = await drivenGateway(options);
  open.push(one);
  return one;
}

afterEach(async () => {
  for (const { gateway } of open.splice(0)) await gateway.close();
});

type Told = Failure | undefined;

describe("a generator of deployments", () => {
  it("is told why the one it yielded has failed, and repeats it as it likes", async () => {
    const told: (string | undefined)[] = [];
    const { gateway, asked } = await driven({
      scripts: { a: fails("provider_overloaded"), b: says },
      *route([a, b]): Generator<Deployment, void, Told> {
        told.push((yield a as Deployment)?.code);
        told.push((yield a as Deployment)?.message);
        yield b as Deployment;
        told.push("not reached");
      },
    });
    const opened = chat(gateway);
    expect(await outcomeOf(opened)).toBe("b");
    expect(told).toEqual(["provider_overloaded", "a failed"]);
    expect(asked).toEqual(["a", "a", "b"]);
    expect(opened.call.trace.attempts.map(({ ordinal, deployment, code }) => [ordinal, deployment, code])).toEqual([
      [1, "a", "provider_overloaded"],
      [2, "a", "provider_overloaded"],
      [3, "b", undefined],
    ]);
  });

  it("is told nothing of one that cannot serve the operation", async () => {
    const told: unknown[] = [];
    const { gateway } = await driven({
      scripts: { a: says, b: says },
      *route([a, b]): Generator<Deployment, void, Told> {
        told.push(yield { ...(a as Deployment), provider: "nowhere" });
        told.push(yield b as Deployment);
      },
    });
    const opened = chat(gateway);
    expect(await outcomeOf(opened)).toBe("b");
    expect(told).toEqual([undefined]);
    expect(opened.call.trace.skipped).toEqual([
      { deployment: "a", reason: 'provider "nowhere" is not there', code: "unsupported_operation" },
    ]);
  });

  it("may be asynchronous, and is told just so", async () => {
    const told: (string | undefined)[] = [];
    const { gateway } = await driven({
      scripts: { a: fails("timeout"), b: says },
      async *route([a, b]): AsyncGenerator<Deployment, void, Told> {
        told.push((yield a as Deployment)?.code);
        await pause(1);
        yield b as Deployment;
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("b");
    expect(told).toEqual(["timeout"]);
  });

  it.each(["answers", "fails", "refuses", "is left"])("is closed when the call %s", async (ending) => {
    const closed: string[] = [];
    const route = (asynchronous: boolean) =>
      asynchronous
        ? async function* (deployments: readonly Deployment[]) {
            try {
              yield* deployments;
            } finally {
              closed.push("asynchronous");
            }
          }
        : function* (deployments: readonly Deployment[]) {
            try {
              yield* deployments;
            } finally {
              closed.push("synchronous");
            }
          };
    const script = { answers: says, fails: fails(), refuses: fails("invalid_request"), "is left": stalls }[ending];
    for (const asynchronous of [false, true]) {
      const { gateway } = await driven({
        scripts: { a: script as typeof says, b: script as typeof says },
        route: route(asynchronous),
      });
      const opened = chat(gateway);
      if (ending === "is left") {
        await opened.reply.next();
        await opened.reply.return(undefined as never);
      } else await outcomeOf(opened);
    }
    expect(closed).toEqual(["synchronous", "asynchronous"]);
  });

  it("leaves the first failure as the answer when it throws later", async () => {
    const { gateway } = await driven({
      scripts: { a: fails("provider_rate_limited") },
      *route([a]) {
        yield a as Deployment;
        throw new GatewayError("no_healthy_deployment", "nothing is well");
      },
    });
    await expect(chat(gateway).reply.next()).rejects.toMatchObject({
      code: "provider_rate_limited",
      details: {
        attempts: [
          { provider: "shop", status: 429, code: "provider_rate_limited" },
          { provider: undefined, status: 503, code: "no_healthy_deployment" },
        ],
      },
    });
  });

  it("does not hide its own mistakes behind a failure", async () => {
    const { gateway } = await driven({
      scripts: { a: fails() },
      *route([a]) {
        yield a as Deployment;
        throw new TypeError("deployments is undefined");
      },
    });
    await expect(chat(gateway).reply.next()).rejects.toMatchObject({
      code: "internal_error",
      cause: expect.objectContaining({ message: "deployments is undefined" }),
    });
  });
});

describe("a wait for a deployment", () => {
  it("is waited for", async () => {
    const { gateway } = await driven({
      scripts: { a: fails(), b: says },
      *route([a, b]) {
        yield a as Deployment;
        yield pause(30).then(() => b as Deployment);
      },
    });
    const opened = chat(gateway);
    expect(await outcomeOf(opened)).toBe("b");
    const [first, second] = opened.call.trace.attempts;
    expect((second?.startedMs ?? 0) - (first?.endedMs ?? 0)).toBeGreaterThan(25);
  });

  it("that came to nothing is a failure like that of a try", async () => {
    const told: (string | undefined)[] = [];
    const { gateway, log } = await driven({
      scripts: { a: says, b: says },
      *route([, b]): Generator<Deployment | Promise<Deployment>, void, Told> {
        const full = new GatewayError("concurrency_limit_exceeded", "the queue is full", { retryAfterMs: 2_000 });
        told.push((yield Promise.reject(full))?.message);
        yield b as Deployment;
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("b");
    expect(told).toEqual(["the queue is full"]);
    expect(log).toEqual(["begin b", "report b ok"]);
  });

  it("is what the call fails with when nothing else is left", async () => {
    const full = new GatewayError("concurrency_limit_exceeded", "the queue is full", { retryAfterMs: 2_000 });
    const { gateway } = await driven({
      scripts: { a: says },
      *route() {
        yield Promise.reject(full);
      },
    });
    await expect(chat(gateway).reply.next()).rejects.toMatchObject({
      status: 429,
      code: "concurrency_limit_exceeded",
      retryAfterMs: 2_000,
    });
  });

  it("ends the call when the router does not recover from it", async () => {
    const { gateway, asked } = await driven({
      scripts: { a: says },
      *route([a]) {
        yield Promise.reject(new GatewayError("overloaded", "too many wait already"));
        yield a as Deployment;
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("overloaded");
    expect(asked).toEqual([]);
  });

  it("ends with the call; nothing is tried after it", async () => {
    const { gateway, asked } = await driven({
      scripts: { a: says },
      *route([a]) {
        yield pause(30).then(() => a as Deployment);
      },
    });
    const opened = chat(gateway);
    setTimeout(() => opened.cancel(), 5);
    expect(await outcomeOf(opened)).toBe("client_closed");
    await pause(40);
    expect(asked).toEqual([]);
  });

  it("whose error is no GatewayError is a mistake of the router", async () => {
    const { gateway } = await driven({
      scripts: { a: says },
      *route() {
        yield Promise.reject(new TypeError("oops"));
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("internal_error");
  });
});

describe("what a router recovers from", () => {
  it("may be what the table does not call retryable", async () => {
    const { gateway } = await driven({
      scripts: { a: fails("context_length_exceeded"), b: says },
      router: { recovers: ({ code }) => code === "context_length_exceeded" },
    });
    expect(await outcomeOf(chat(gateway))).toBe("b");
  });

  it("may leave out what the table calls retryable", async () => {
    const { gateway, asked } = await driven({
      scripts: { a: fails("provider_error"), b: says },
      router: { recovers: () => false },
    });
    expect(await outcomeOf(chat(gateway))).toBe("provider_error");
    expect(asked).toEqual(["a"]);
  });

  it("is never asked about a stream that has begun", async () => {
    const asked: string[] = [];
    const { gateway, log } = await driven({
      scripts: { a: breaks, b: says },
      router: {
        recovers(error) {
          asked.push(error.message);
          return true;
        },
      },
    });
    expect(await outcomeOf(chat(gateway, { stream: true }))).toBe("provider_error");
    expect(asked).toEqual([]);
    expect(log).toEqual(["begin a", "report a provider_error"]);
  });
});

describe("router and strategy are told of every attempt, once", () => {
  const cases: readonly (readonly [string, DrivenOptions, (one: Driven) => Promise<unknown>, readonly string[]])[] = [
    [
      "when it succeeds",
      { scripts: { a: says } },
      ({ gateway }) => outcomeOf(chat(gateway)),
      ["begin a", "report a ok"],
    ],
    [
      "when it fails and the next succeeds",
      { scripts: { a: fails(), b: says } },
      ({ gateway }) => outcomeOf(chat(gateway)),
      ["begin a", "report a provider_error", "begin b", "report b ok"],
    ],
    [
      "when the stream breaks",
      { scripts: { a: breaks, b: says } },
      ({ gateway }) => outcomeOf(chat(gateway)),
      ["begin a", "report a provider_error"],
    ],
    [
      "when the caller leaves before the first event",
      { scripts: { a: hangs, b: says } },
      async ({ gateway }) => {
        const opened = chat(gateway);
        setTimeout(() => opened.cancel(), 5);
        await outcomeOf(opened);
        await pause(5);
      },
      ["begin a", "report a client_closed (abandoned)"],
    ],
    [
      "when the caller leaves in the midst of the stream",
      { scripts: { a: stalls, b: says } },
      async ({ gateway }) => {
        const opened = chat(gateway);
        await opened.reply.next();
        await opened.reply.return(undefined as never);
      },
      ["begin a", "report a client_closed (abandoned)"],
    ],
    [
      "when the caller's signal ends the stream",
      { scripts: { a: stalls, b: says } },
      async ({ gateway }) => {
        const opened = chat(gateway);
        await opened.reply.next();
        setTimeout(() => opened.cancel(), 5);
        await outcomeOf(opened);
      },
      ["begin a", "report a client_closed (abandoned)"],
    ],
    [
      "when it fails with something else because the caller left",
      {
        scripts: {
          async *a({ signal }) {
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            throw new GatewayError("provider_error", "socket hang up");
          },
        },
      },
      async ({ gateway }) => {
        const opened = chat(gateway);
        setTimeout(() => opened.cancel(), 5);
        await outcomeOf(opened);
        await pause(5);
      },
      ["begin a", "report a provider_error (abandoned)"],
    ],
    [
      "when the gateway closes",
      { scripts: { a: stalls, b: says } },
      async ({ gateway }) => {
        const opened = chat(gateway);
        await opened.reply.next();
        void gateway.drain(0);
        await outcomeOf(opened);
      },
      ["begin a", "report a draining (abandoned)"],
    ],
    [
      "when the deadline passes: that may be the deployment's fault",
      { scripts: { a: hangs, b: says }, options: { timeoutMs: 20 } },
      async ({ gateway }) => {
        await outcomeOf(chat(gateway));
        await pause(5);
      },
      ["begin a", "report a timeout"],
    ],
    [
      "when a layer around it throws at once",
      {
        scripts: { a: says },
        plugins: [
          {
            name: "no-budget",
            layers: {
              attempt() {
                throw new GatewayError("budget_exceeded", "no money left");
              },
            },
          },
        ],
      },
      ({ gateway }) => outcomeOf(chat(gateway)),
      ["begin a", "report a budget_exceeded"],
    ],
  ];

  it.each(cases)("%s", async (_name, options, run, expected) => {
    const told: string[] = [];
    const strategy: Strategy = {
      name: "told",
      order: (_call, candidates) => candidates,
      begin: ({ id }) => void told.push(`begin ${id}`),
      report: ({ id }, { ok, error, abandoned }) =>
        void told.push(`report ${id} ${ok ? "ok" : error?.code}${abandoned === true ? " (abandoned)" : ""}`),
    };
    const one = await driven({ ...options, strategy });
    await run(one);
    expect(one.log).toEqual(expected);
    expect(told).toEqual(expected);
  });

  it("with its times and its usage", async () => {
    const outcomes: Outcome[] = [];
    const { gateway } = await driven({
      scripts: {
        async *a() {
          await pause(20);
          yield { type: "replyStart", id: "r", model: "m", createdAt: 1 };
          await pause(20);
          return textResult("late");
        },
      },
      router: { report: (_deployment, outcome) => void outcomes.push(outcome) },
    });
    await outcomeOf(chat(gateway));
    const [outcome] = outcomes;
    expect(outcome).toEqual({
      ok: true,
      firstEventMs: expect.any(Number),
      durationMs: expect.any(Number),
      usage: { inputTokens: 3, outputTokens: 2 },
    });
    expect(outcome?.firstEventMs).toBeGreaterThan(18);
    expect((outcome?.durationMs ?? 0) - (outcome?.firstEventMs ?? 0)).toBeGreaterThan(18);
  });

  it("with the call as it was routed", async () => {
    const calls: Call[] = [];
    const { gateway } = await driven({
      scripts: { a: says },
      route(deployments, call) {
        calls.push(call);
        return deployments;
      },
      router: { begin: (_deployment, call) => void calls.push(call), report: (_d, _o, call) => void calls.push(call) },
    });
    await outcomeOf(chat(gateway));
    expect(new Set(calls).size).toBe(1);
    expect(calls).toHaveLength(3);
  });

  it("even if one object is both", async () => {
    const told: string[] = [];
    const both: Router & Strategy = {
      name: "both",
      route: () => [{ id: "a", model: "m", provider: "shop", upstreamModel: "m" }],
      order: (_call, candidates) => candidates,
      begin: ({ id }) => void told.push(id),
    };
    const gateway = await createGateway({
      plugins: [{ name: "p", providers: [scripted("shop", says)], router: () => both, strategy: both }],
    });
    await outcomeOf(chat(gateway));
    await gateway.close();
    expect(told).toEqual(["a"]);
  });
});

describe("a watcher that throws", () => {
  it("spoils no reply, and is published once", async () => {
    const published: unknown[] = [];
    const listener = (message: unknown): void => void published.push(message);
    subscribe("signalbox:observer-error", listener);
    const { gateway } = await driven({
      scripts: { a: fails(), b: says },
      router: {
        report() {
          throw new Error("no such deployment");
        },
      },
      strategy: {
        name: "clumsy",
        order: (_call, candidates) => candidates,
        begin() {
          throw new Error("cannot count");
        },
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("b");
    expect(await outcomeOf(chat(gateway))).toBe("b");
    unsubscribe("signalbox:observer-error", listener);
    expect(published).toMatchObject([
      { plugin: "vendors", moment: "begin", error: { message: "cannot count" } },
      { plugin: "vendors", moment: "report", error: { message: "no such deployment" } },
    ]);
  });
});

describe("the trace", () => {
  it("has deployment, group, region, times and code of every attempt", async () => {
    const { gateway } = await driven({
      scripts: { a: fails("provider_overloaded"), b: says },
      options: {
        deployments: [
          { id: "a", model: "m", provider: "shop", upstreamModel: "up-a", region: "eu" },
          { id: "b", model: "n", provider: "shop", upstreamModel: "up-b" },
        ],
      },
      router: {},
      *route([a]) {
        yield a as Deployment;
        yield { id: "b", model: "n", provider: "shop", upstreamModel: "up-b" };
      },
    });
    const { call, reply } = chat(gateway);
    await reply.next();
    expect(call.trace.attempts).toEqual([
      {
        ordinal: 1,
        deployment: "a",
        provider: "shop",
        model: "up-a",
        group: "m",
        region: "eu",
        startedMs: expect.any(Number),
        endedMs: expect.any(Number),
        code: "provider_overloaded",
        lane: "translated",
      },
      {
        ordinal: 2,
        deployment: "b",
        provider: "shop",
        model: "up-b",
        group: "n",
        startedMs: expect.any(Number),
        endedMs: expect.any(Number),
        lane: "translated",
      },
    ]);
    for (const { startedMs, endedMs } of call.trace.attempts) expect(endedMs).toBeGreaterThanOrEqual(startedMs);
  });

  it("says of a reply only what its own attempt has dropped", async () => {
    const { gateway } = await driven({
      scripts: {
        a(attempt) {
          attempt.trace.drop("top_k");
          return fails()(attempt);
        },
        b(attempt) {
          attempt.trace.drop("seed");
          return says(attempt);
        },
      },
    });
    const { call, reply } = gateway.open({
      operation: "chat",
      request: { model: "m", messages: [] },
      options: { extensions: { nobody_reads: 1 } },
    });
    await reply.next();
    expect(call.trace.droppedParams).toEqual(["nobody_reads", "seed"]);
  });

  it("counts on when a layer runs the call again, and says why", async () => {
    const again: Layer = async function* again(call, next) {
      yield* next(call);
      return yield* next({ ...call, purpose: "continuation" });
    };
    const { gateway } = await driven({
      scripts: { a: fails(), b: says },
      plugins: [{ name: "again", layers: { cache: again } }],
    });
    const { call, reply } = chat(gateway);
    await reply.next();
    expect(call.trace.attempts.map(({ ordinal, deployment, purpose }) => [ordinal, deployment, purpose])).toEqual([
      [1, "a", undefined],
      [2, "b", undefined],
      [3, "a", "continuation"],
      [4, "b", "continuation"],
    ]);
  });
});

it("a layer that throws at once ends the call, and leaves nothing behind", async () => {
  const failed: string[] = [];
  const { gateway } = await driven({
    scripts: { a: says },
    plugins: [
      {
        name: "broken",
        layers: {
          edge() {
            throw new GatewayError("ip_not_allowed", "not from there");
          },
        },
        on: { callFailed: (_call, { code }) => void failed.push(code) },
      },
    ],
  });
  expect(await outcomeOf(chat(gateway))).toBe("ip_not_allowed");
  expect(failed).toEqual(["ip_not_allowed"]);
  expect(gateway.activeCalls).toBe(0);
});
