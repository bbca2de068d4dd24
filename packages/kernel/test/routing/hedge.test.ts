import { afterEach, describe, expect, it } from "vitest";
import type { Deployment, GatewayError as Failure } from "@signalbox/kernel";
import { createGateway, GatewayError } from "@signalbox/kernel";
import { replayServer } from "@signalbox/kernel/testkit";
import type { Driven, DrivenOptions } from "../support/driven-gateway.ts";
import {
  breaks,
  chat,
  drivenGateway,
  fails,
  failsAfter,
  hangs,
  outcomeOf,
  pause,
  says,
  saysAfter,
  stalls,
} from "../support/driven-gateway.ts";
import { httpVendor } from "../support/http-vendor.ts";

const open: Driven[] = [];

async function hedged(options: DrivenOptions): Promise<Driven> {
  const one = await drivenGateway({ ...options, router: { hedgeAfterMs: () => 20, ...options.router } });
  open.push(one);
  return one;
}

afterEach(async () => {
  for (const { gateway } of open.splice(0)) await gateway.close();
});

type Told = Failure | undefined;

describe("a second try beside a slow one", () => {
  it("wins when it answers first; the slow one is ended", async () => {
    const { gateway, log } = await hedged({ scripts: { slow: hangs, fast: says, third: says } });
    const opened = chat(gateway);
    expect(await outcomeOf(opened)).toBe("fast");
    expect(log).toEqual(["begin slow", "begin fast", "report slow client_closed (abandoned)", "report fast ok"]);
    expect(opened.call.trace.attempts).toMatchObject([
      { ordinal: 1, deployment: "slow", code: "client_closed" },
      { ordinal: 2, deployment: "fast", purpose: "hedge" },
    ]);
    expect(opened.call.trace.attempts[1]?.startedMs).toBeGreaterThan(18);
    expect(opened.call.trace.notes).toEqual([{ stage: "route", text: 'no answer after 20 ms: also tried "fast"' }]);
  });

  it("loses when the first answers after all", async () => {
    const { gateway, log } = await hedged({ scripts: { slow: saysAfter(40), other: hangs } });
    expect(await outcomeOf(chat(gateway))).toBe("slow");
    expect(log).toEqual(["begin slow", "begin other", "report other client_closed (abandoned)", "report slow ok"]);
  });

  it("is not made when the first answers in time, or fails in time", async () => {
    const quick = await hedged({ scripts: { a: says, b: says } });
    expect(await outcomeOf(chat(quick.gateway))).toBe("a");
    await pause(30);
    expect(quick.asked).toEqual(["a"]);
    const failing = await hedged({ scripts: { a: fails(), b: says } });
    expect(await outcomeOf(chat(failing.gateway))).toBe("b");
    expect(failing.log).toEqual(["begin a", "report a provider_error", "begin b", "report b ok"]);
  });

  it("is not made when there are too many already, or none is left", async () => {
    const many = await hedged({ scripts: { a: saysAfter(40), b: says }, router: { mayHedge: () => false } });
    expect(await outcomeOf(chat(many.gateway))).toBe("a");
    expect(many.asked).toEqual(["a"]);
    const single = await hedged({ scripts: { a: saysAfter(40) } });
    expect(await outcomeOf(chat(single.gateway))).toBe("a");
    expect(single.log).toEqual(["begin a", "report a ok"]);
  });

  it("takes over when the first fails, and the other way round", async () => {
    const first = await hedged({ scripts: { a: failsAfter(35), b: saysAfter(40) } });
    expect(await outcomeOf(chat(first.gateway))).toBe("b");
    expect(first.log).toEqual(["begin a", "begin b", "report a provider_error", "report b ok"]);
    const second = await hedged({ scripts: { a: saysAfter(50), b: fails() } });
    expect(await outcomeOf(chat(second.gateway))).toBe("a");
    expect(second.log).toEqual(["begin a", "begin b", "report b provider_error", "report a ok"]);
  });

  it("goes on to the third when both have failed, and tells of the failure of the second", async () => {
    const told: (string | undefined)[] = [];
    const { gateway, log } = await hedged({
      scripts: { a: failsAfter(40, "timeout"), b: fails("provider_overloaded"), c: says },
      *route([a, b, c]): Generator<Deployment, void, Told> {
        told.push((yield a as Deployment)?.code);
        told.push((yield b as Deployment)?.code);
        yield c as Deployment;
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("c");
    expect(told).toEqual([undefined, "provider_overloaded"]);
    expect(log).toEqual([
      "begin a",
      "begin b",
      "report b provider_overloaded",
      "report a timeout",
      "begin c",
      "report c ok",
    ]);
  });

  it("ends the call when both have failed and one of them for good", async () => {
    const { gateway, asked } = await hedged({
      scripts: { a: failsAfter(40), b: fails("invalid_request"), c: says },
    });
    await expect(chat(gateway).reply.next()).rejects.toMatchObject({
      code: "invalid_request",
      details: { attempts: [{ code: "invalid_request" }, { code: "provider_error" }] },
    });
    expect(asked).toEqual(["a", "b"]);
  });

  it("ends with the caller, both at once", async () => {
    const { gateway, log } = await hedged({ scripts: { a: hangs, b: hangs, c: says } });
    const opened = chat(gateway);
    setTimeout(() => opened.cancel(), 40);
    expect(await outcomeOf(opened)).toBe("client_closed");
    await pause(5);
    expect(log.sort()).toEqual([
      "begin a",
      "begin b",
      "report a client_closed (abandoned)",
      "report b client_closed (abandoned)",
    ]);
  });

  it("whose stream breaks later has answered: nobody else can", async () => {
    const { gateway, log } = await hedged({ scripts: { a: hangs, b: breaks, c: says } });
    expect(await outcomeOf(chat(gateway))).toBe("provider_error");
    expect(log).toEqual(["begin a", "begin b", "report a client_closed (abandoned)", "report b provider_error"]);
  });

  it("is closed like any other when the reader leaves", async () => {
    const { gateway, log } = await hedged({ scripts: { a: hangs, b: stalls } });
    const opened = chat(gateway);
    await opened.reply.next();
    await opened.reply.return(undefined as never);
    expect(log).toEqual([
      "begin a",
      "begin b",
      "report a client_closed (abandoned)",
      "report b client_closed (abandoned)",
    ]);
  });

  it("waits for its room without holding up the first", async () => {
    let closed = false;
    const { gateway, log } = await hedged({
      scripts: { a: saysAfter(40), b: says },
      *route([a, b]) {
        try {
          yield a as Deployment;
          yield pause(60_000).then(() => b as Deployment);
        } finally {
          closed = true;
        }
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("a");
    expect(log).toEqual(["begin a", "report a ok"]);
    expect(closed).toBe(true);
  });

  it("does not hold up the first either where the router itself waits", async () => {
    const { gateway } = await hedged({
      scripts: { a: saysAfter(40), b: says },
      async *route([a, b], { signal }) {
        yield a as Deployment;
        await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        yield b as Deployment;
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("a");
  });

  it("that was waited for is tried after the first has failed", async () => {
    const { gateway, log } = await hedged({
      scripts: { a: failsAfter(30), b: says },
      *route([a, b]) {
        yield a as Deployment;
        yield pause(60).then(() => b as Deployment);
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("b");
    expect(log).toEqual(["begin a", "report a provider_error", "begin b", "report b ok"]);
  });

  it("whose wait came to nothing does not disturb the first", async () => {
    const route = function* ([a, b]: readonly Deployment[]) {
      yield a as Deployment;
      yield Promise.reject<Deployment>(new GatewayError("concurrency_limit_exceeded", "full"));
      yield b as Deployment;
    };
    const good = await hedged({ scripts: { a: saysAfter(40), b: says }, route });
    expect(await outcomeOf(chat(good.gateway))).toBe("a");
    const bad = await hedged({ scripts: { a: failsAfter(40), b: says }, route });
    expect(await outcomeOf(chat(bad.gateway))).toBe("b");
    expect(bad.log).toEqual(["begin a", "report a provider_error", "begin b", "report b ok"]);
  });

  it("is not made at the same deployment; the repetition follows the failure", async () => {
    const { gateway, log } = await hedged({
      scripts: { a: failsAfter(40) },
      *route([a]) {
        yield a as Deployment;
        yield a as Deployment;
      },
    });
    expect(await outcomeOf(chat(gateway))).toBe("provider_error");
    expect(log).toEqual(["begin a", "report a provider_error", "begin a", "report a provider_error"]);
  });

  it("keeps apart what the two have dropped, and counts the time of waiting once", async () => {
    const { gateway } = await hedged({
      scripts: {
        a(attempt) {
          attempt.trace.drop("top_k");
          return hangs(attempt);
        },
        async *b(attempt) {
          await pause(5);
          attempt.trace.drop("seed");
          return yield* saysAfter(30)(attempt);
        },
      },
    });
    const opened = chat(gateway);
    expect(await outcomeOf(opened)).toBe("b");
    expect(opened.call.trace.droppedParams).toEqual(["seed"]);
    expect(opened.call.trace.upstreamMs).toBeGreaterThan(45);
    expect(opened.call.trace.upstreamMs).toBeLessThanOrEqual(opened.call.trace.elapsedMs());
  });

  it("notes and skips of either stand in the call's trace", async () => {
    const { gateway } = await hedged({
      scripts: {
        a(attempt) {
          attempt.trace.note("attempt", "first");
          return hangs(attempt);
        },
        b(attempt) {
          attempt.trace.note("attempt", "second");
          return says(attempt);
        },
      },
    });
    const opened = chat(gateway);
    await outcomeOf(opened);
    expect(opened.call.trace.notes?.map(({ text }) => text)).toEqual([
      "first",
      'no answer after 20 ms: also tried "b"',
      "second",
    ]);
  });
});

describe("over HTTP", () => {
  it.each([
    ["a head that does not come", { headersDelayMs: 60_000, body: { text: "late" } }, false],
    [
      "a body that does not come",
      { bodyText: '{"text":"late"}', fault: { type: "stall" as const, afterBytes: 1 } },
      false,
    ],
    ["a stream that does not begin", { bodyText: "data: late", headersDelayMs: 60_000 }, true],
  ])("closes the connection of the loser within 100 ms: %s", async (_name, exchange, stream) => {
    const slow = await replayServer(exchange);
    const fast = await replayServer(stream ? { bodyText: "data: fast" } : { body: { text: "fast" } });
    const gateway = await createGateway({
      plugins: [
        { name: "vendors", providers: [httpVendor] },
        {
          name: "hedging",
          router: (models) => ({ route: ({ model }) => models.deployments(model), hedgeAfterMs: () => 30 }),
        },
      ],
      deployments: [slow, fast].map(({ url }, index) => ({
        id: `${index}`,
        model: "m",
        provider: "vendor",
        upstreamModel: "m",
        baseUrl: url,
      })),
    });
    expect(await outcomeOf(chat(gateway, { stream }))).toBe(stream ? "data: fast" : "fast");
    const answeredAt = performance.now();
    const lost = await slow.received(0);
    expect(await lost.ended).toBe("clientClosed");
    expect(performance.now() - answeredAt).toBeLessThan(100);
    await gateway.close();
    await Promise.all([slow.close(), fast.close()]);
  });
});
