import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Call, CallOptions, ChatRequest, Plugin, Principal } from "@signalbox/kernel";
import { APPLICATION, collectReply, createModelTable, resultOf } from "@signalbox/kernel";
import { parseJsonBody } from "@signalbox/kernel/http";
import { mirrorLayer } from "../../src/mirror/mirror-layer.ts";
import type { MirrorOptions } from "../../src/mirror/mirror-options.ts";
import type { MirroredGateway } from "./mirrored-gateway.ts";
import { mirroredGateway } from "./mirrored-gateway.ts";

const open: MirroredGateway[] = [];

async function mirrored(...input: Parameters<typeof mirroredGateway>): Promise<MirroredGateway> {
  const made = await mirroredGateway(...input);
  open.push(made);
  return made;
}

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

const MESSAGES = [{ role: "user" as const, content: [{ type: "text" as const, text: "ping" }] }];
const REQUEST: ChatRequest = { model: "main", messages: MESSAGES };

describe("a mirrored call", () => {
  it("is answered by its own model; the copy has the same request, and an id, trace, state and signal of its own", async () => {
    const { gateway, attempts, reported } = await mirrored("echo", {}, { main: "echo+chunks-2" });
    const { call, reply } = gateway.open({ operation: "chat", request: REQUEST });
    const result = await resultOf(reply);
    expect(result.model).toBe("echo+chunks-2");
    expect(await reported(1)).toEqual([
      { model: "main", to: attempts[1]?.deployment.model, ok: true, durationMs: expect.any(Number) },
    ]);
    const [first, copy] = attempts;
    expect(attempts.map(({ deployment }) => deployment.id)).toEqual(["main", "shadow"]);
    expect(copy?.request).toBe(first?.request);
    expect(copy?.model).toBe(copy?.deployment.model);
    expect(copy?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(copy?.id).not.toBe(first?.id);
    expect(copy?.trace).not.toBe(first?.trace);
    expect(copy?.state).not.toBe(first?.state);
    expect(copy?.signal).not.toBe(first?.signal);
    expect(copy?.trace.notes).toEqual([{ stage: "route", text: `mirror of call ${call.id} to "main"` }]);
    expect(call.trace.attempts.map(({ deployment }) => deployment)).toEqual(["main"]);
    expect(call.trace.notes).toEqual([{ stage: "route", text: `mirrored to "${copy?.deployment.model}"` }]);
  });

  it("is not copied again when its stream is continued", async () => {
    const layer = mirrorLayer({ main: { to: "shadow", percent: 100 } });
    const { gateway } = await mirrored("fixed");
    const { call } = gateway.open({ operation: "chat", request: REQUEST });
    const asked: unknown[] = [];
    const next = (of: Call<"chat">): never => {
      asked.push(of.request);
      return undefined as never;
    };
    layer.layer({ ...call, purpose: "continuation" }, next);
    await pause(10);
    expect(asked).toHaveLength(1);
    expect(layer.counts()[0]).toMatchObject({ running: 0, succeeded: 0, failed: 0 });
    await layer.close();
  });

  it("is not delayed by a slow target", async () => {
    const { gateway, mirror } = await mirrored("fixed+slow-2s");
    const startedAt = performance.now();
    for (let call = 0; call < 5; call++) await gateway.run({ operation: "chat", request: REQUEST });
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(mirror.counts()[0]).toMatchObject({ running: 5, succeeded: 0 });
  });

  it("streams as it would without a mirror, event by event", async () => {
    const { gateway, reported } = await mirrored("chunks-3-every-300ms", {}, { main: "chunks-20-every-5ms" });
    const plain = await mirrored("fixed", { percent: 0 }, { main: "chunks-20-every-5ms" });
    const request = { ...REQUEST, stream: true };
    const startedAt = performance.now();
    const seen = await collectReply(gateway.open({ operation: "chat", request }).reply);
    expect(performance.now() - startedAt).toBeLessThan(500);
    const expected = await collectReply(plain.gateway.open({ operation: "chat", request }).reply);
    expect(seen.events.length).toBeGreaterThan(20);
    const withoutId = (event: object): object => ({ ...event, id: "" });
    expect(seen.events.map(withoutId)).toEqual(expected.events.map(withoutId));
    expect(seen.result.choices).toEqual(expected.result.choices);
    expect(await reported(1)).toMatchObject([{ ok: true }]);
  });

  it.each([
    ["fault-500", "provider_error"],
    ["fault-429", "provider_rate_limited"],
    ["fault-400", "invalid_request"],
    ["chunks-9+fault-midstream", "provider_error"],
  ])("hears nothing of the failure of %s", async (shadow, code) => {
    const { gateway, mirror, reported } = await mirrored(shadow);
    const { call, reply } = gateway.open({ operation: "chat", request: { ...REQUEST, stream: true } });
    await expect(resultOf(reply)).resolves.toMatchObject({ model: "fixed" });
    const [report] = await reported(1);
    expect(report).toMatchObject({ model: "main", ok: false, code, error: { code } });
    expect(mirror.counts()[0]).toMatchObject({ running: 0, succeeded: 0, failed: 1, dropped: 0 });
    expect(call.trace.attempts.map(({ code: failed }) => failed)).toEqual([undefined]);
  });

  it("that fails leaves its copy alone", async () => {
    const { gateway, reported } = await mirrored("fixed", {}, { main: "fault-500" });
    await expect(gateway.run({ operation: "chat", request: REQUEST })).rejects.toMatchObject({
      code: "provider_error",
    });
    expect(await reported(1)).toMatchObject([{ ok: true }]);
  });

  it("whose caller leaves lets its copy go on", async () => {
    const { gateway, reported, ended } = await mirrored("fixed+slow-200ms", {}, { main: "fixed+slow-2s" });
    const { reply, cancel } = gateway.open({ operation: "chat", request: REQUEST });
    const step = reply.next();
    await pause(50);
    cancel();
    await expect(step).rejects.toMatchObject({ code: "client_closed" });
    expect(await reported(1)).toMatchObject([{ ok: true }]);
    expect(ended).toHaveLength(2);
  });

  it("whose stream is left half-way lets its copy go on", async () => {
    const { gateway, reported } = await mirrored("chunks-5-every-20ms", {}, { main: "chunks-50-every-20ms" });
    const { reply } = gateway.open({ operation: "chat", request: { ...REQUEST, stream: true } });
    for await (const event of reply) if ((event as { type: string }).type === "partDelta") break;
    expect(await reported(1)).toMatchObject([{ ok: true }]);
  });

  it("keeps the client's bytes, so that the copy may take the native lane as well", async () => {
    const { gateway, attempts, reported } = await mirrored("fixed");
    const body = parseJsonBody(Buffer.from(JSON.stringify({ model: "main", messages: [] })));
    const native = { dialect: "openai-chat", request: REQUEST, body, edits: {}, headers: [] };
    await resultOf(gateway.open({ operation: "chat", request: REQUEST, native }).reply);
    await reported(1);
    expect(attempts[1]?.native).toBe(native);
    expect(attempts[1]?.native?.request).toBe(attempts[1]?.request);
  });

  it("may be of any operation", async () => {
    const { gateway, attempts, reported } = await mirrored("echo");
    const { embeddings } = await gateway.embed({ model: "main", input: "hello" });
    expect(embeddings).toHaveLength(1);
    expect(await reported(1)).toMatchObject([{ ok: true }]);
    expect(attempts.map(({ operation }) => operation)).toEqual(["embed", "embed"]);
  });
});

describe("which calls are mirrored", () => {
  it("is a share of them, by their ids", async () => {
    const { layer, counts } = mirrorLayer({ m: { to: "n", percent: 20, maxParallel: 100_000 } });
    const { gateway } = await mirrored("fixed", { percent: 0 });
    const { call } = gateway.open({ operation: "chat", request: REQUEST });
    for (let at = 0; at < 20_000; at++) {
      layer({ ...call, id: `call-${at}`, model: "m" }, () => (async function* () {})() as never);
    }
    // standard deviation 57
    expect(Math.abs((counts()[0]?.running ?? 0) - 4_000)).toBeLessThan(230);
  });

  it("may be chosen by the gateway's alias, but not by a caller's own of the same name", async () => {
    const { gateway } = await mirrored("fixed", { percent: 0 });
    const { layer, counts } = mirrorLayer({ nick: { to: "x", percent: 100 } });
    const { call } = gateway.open({ operation: "chat", request: { ...REQUEST, model: "nick" } });
    const own = { ...call, model: "main", principal: { ...APPLICATION, aliases: { nick: "main" } } };
    const next = (): never => (async function* () {})() as never;
    layer(own, next);
    expect(counts()[0]?.running).toBe(0);
    layer({ ...call, model: "main" }, next);
    expect(counts()[0]?.running).toBe(1);
  });

  it("is none for other models and for 0 percent", async () => {
    const other = { id: "other", model: "other", provider: "mock", upstreamModel: "fixed" };
    const { gateway, attempts } = await mirrored("fixed", {}, { deployments: [other] });
    await gateway.run({ operation: "chat", request: { ...REQUEST, model: "other" } });
    const off = await mirrored("fixed", { percent: 0 });
    await off.gateway.run({ operation: "chat", request: REQUEST });
    await pause(20);
    expect(attempts).toHaveLength(1);
    expect(off.attempts).toHaveLength(1);
  });

  it("is none for replies from the cache", async () => {
    const cached: Plugin = {
      name: "cache",
      cache: {
        find: async () =>
          ({ operation: "chat", storedAt: 0, result: { id: "kept", choices: [], usage: {} } }) as unknown as undefined,
        keep: async () => undefined,
        forget: async () => undefined,
      },
    };
    const { gateway, attempts } = await mirrored("fixed", {}, { plugins: [cached] });
    await expect(gateway.run({ operation: "chat", request: REQUEST })).resolves.toMatchObject({ id: "kept" });
    await pause(20);
    expect(attempts).toEqual([]);
  });
});

describe("a caller", () => {
  const principal: Principal = { ...APPLICATION, id: "k", kind: "key", admin: false, models: ["main"] };

  it("who may use the model is mirrored to a target that was never granted", async () => {
    const { gateway, attempts, reported } = await mirrored("fixed");
    await gateway.run({ operation: "chat", request: REQUEST, principal });
    expect(await reported(1)).toMatchObject([{ ok: true }]);
    expect(attempts[1]?.principal).toMatchObject({ id: "k", kind: "key" });
    expect(attempts[0]?.principal).toBe(principal);
    expect(principal.models).toEqual(["main"]);
  });

  it("is mirrored under an alias of its own, too", async () => {
    const { gateway, reported } = await mirrored("fixed");
    const aliased = { ...principal, aliases: { fast: "main" } };
    await gateway.run({ operation: "chat", request: { ...REQUEST, model: "fast" }, principal: aliased });
    expect(await reported(1)).toMatchObject([{ model: "main", ok: true }]);
  });

  it("who may not use the model is not mirrored, not even to a model that it may use", async () => {
    const { gateway, attempts, mirror } = await mirrored("fixed");
    const to = mirror.counts()[0]?.to ?? "";
    const call = gateway.run({ operation: "chat", request: REQUEST, principal: { ...principal, models: [to] } });
    await expect(call).rejects.toMatchObject({ code: "model_not_allowed" });
    await pause(20);
    expect(attempts).toEqual([]);
  });

  it("passes on what its request means, and nothing that belongs to the call alone", async () => {
    const { gateway, attempts, reported } = await mirrored("fixed");
    const options: CallOptions = {
      dropParams: true,
      additionalDropParams: ["seed"],
      allowedParams: ["logprobs"],
      tags: ["a"],
      endUserId: "u",
      traceId: "t",
      sessionId: "s",
      timeoutMs: 5_000,
      fallbacks: ["main"],
      extensions: { priority: 1, num_retries: 3 },
    };
    await gateway.run({ operation: "chat", request: REQUEST, options });
    await reported(1);
    expect(attempts[1]?.options).toEqual({
      dropParams: true,
      additionalDropParams: ["seed"],
      allowedParams: ["logprobs"],
      tags: ["a"],
      endUserId: "u",
      traceId: "t",
      disableFallbacks: true,
      extensions: { priority: Number.MAX_SAFE_INTEGER },
    });
    expect(attempts[1]?.principal.routing).toEqual({ disableFallbacks: true, retries: 0 });
    expect(attempts[0]?.options).toBe(options);
  });
});

describe("copies", () => {
  it("are no more than maxParallel at a time; the others are counted, noted and not made", async () => {
    const { gateway, mirror, attempts, reported } = await mirrored("fixed+slow-200ms", { maxParallel: 2 });
    const calls = Array.from({ length: 5 }, () => gateway.open({ operation: "chat", request: REQUEST }));
    await Promise.all(calls.map(({ reply }) => resultOf(reply)));
    expect(mirror.counts()[0]).toMatchObject({ running: 2, dropped: 3 });
    const to = mirror.counts()[0]?.to;
    expect(calls.map(({ call }) => call.trace.notes?.[0]?.text)).toEqual([
      ...[1, 2].map(() => `mirrored to "${to}"`),
      ...[3, 4, 5].map(() => `not mirrored to "${to}": 2 mirrors are running`),
    ]);
    const reports = await reported(5);
    expect(reports.slice(0, 3)).toEqual(
      [1, 2, 3].map(() => ({ model: "main", to, ok: false, code: "concurrency_limit_exceeded", durationMs: 0 })),
    );
    expect(mirror.counts()[0]).toEqual({ model: "main", to, running: 0, succeeded: 2, failed: 0, dropped: 3 });
    expect(attempts).toHaveLength(7);
    await gateway.run({ operation: "chat", request: REQUEST });
    expect((await reported(6)).at(-1)).toMatchObject({ ok: true });
  });

  it.each(["fault-timeout", "chunks-9+fault-stall"])("end after their own timeout at %s", async (shadow) => {
    const { gateway, mirror, attempts, ended, reported } = await mirrored(shadow, { timeoutMs: 100 });
    await gateway.run({ operation: "chat", request: { ...REQUEST, stream: true } });
    expect(await reported(1)).toMatchObject([{ ok: false, code: "timeout" }]);
    await pause(10);
    expect(attempts[1]?.signal.aborted).toBe(true);
    expect(ended).toHaveLength(2);
    expect(mirror.counts()[0]?.running).toBe(0);
  });

  it("end although a layer or provider listens to nothing", async () => {
    const { gateway } = await mirrored("fixed", { percent: 0 });
    const { layer, counts, close } = mirrorLayer({ main: { to: "deaf", percent: 100, timeoutMs: 50 } });
    const { call } = gateway.open({ operation: "chat", request: REQUEST });
    const never = (): Promise<never> => new Promise(() => undefined);
    layer(call, () => ({ next: never, return: never }) as never);
    await pause(100);
    expect(counts()[0]).toMatchObject({ running: 0, failed: 1 });
    layer(call, () => ({ next: never, return: never }) as never);
    await pause(10);
    await close();
    expect(counts()[0]).toMatchObject({ running: 0, failed: 2 });
  });

  it("are counted when what makes them throws at once", async () => {
    const { gateway } = await mirrored("fixed", { percent: 0 });
    const { layer, counts, close } = mirrorLayer({ main: { to: "x", percent: 100 } });
    const { call } = gateway.open({ operation: "chat", request: REQUEST });
    layer(call, ((made: Call) => {
      if (made !== call) throw new Error("a layer's mistake");
      return undefined;
    }) as never);
    await pause(10);
    expect(counts()[0]).toMatchObject({ running: 0, failed: 1 });
    await close();
  });

  it("end when the gateway closes; none is made after it", async () => {
    const { gateway, mirror, attempts, ended, reports } = await mirrored("fixed+slow-2s");
    await gateway.run({ operation: "chat", request: REQUEST });
    await pause(20);
    expect(attempts).toHaveLength(2);
    const startedAt = performance.now();
    await gateway.close();
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(reports).toMatchObject([{ ok: false, code: "draining" }]);
    await pause(10);
    expect(ended).toHaveLength(2);
    expect(mirror.counts()[0]).toMatchObject({ running: 0, failed: 1 });
  });

  it("that have not begun when the gateway closes do not begin", async () => {
    const { gateway, mirror } = await mirrored("fixed");
    const { call } = gateway.open({ operation: "chat", request: REQUEST });
    const direct = mirrorLayer({ main: { to: "x", percent: 100 } });
    let asked = 0;
    const next = (): never => {
      asked += 1;
      return (async function* () {})() as never;
    };
    direct.layer(call, next);
    await direct.close();
    await pause(20);
    direct.layer(call, next);
    expect(asked).toBe(2);
    expect(direct.counts()[0]).toMatchObject({ running: 0, succeeded: 0, failed: 0, dropped: 0 });
    expect(mirror.counts()[0]?.running).toBe(0);
  });
});

describe("options of mirrors", () => {
  it.each([
    [{ percent: 1 }, "mirrors.main.to"],
    [{ to: "x" }, "mirrors.main.percent"],
    [{ to: "x", percent: 101 }, "mirrors.main.percent"],
    [{ to: "x", percent: 1, maxParallel: 0 }, "mirrors.main.maxParallel"],
    [{ to: "x", percent: 1, timeoutMs: 1.5 }, "mirrors.main.timeoutMs"],
    [{ to: "main", percent: 1 }, "mirrors.main.to"],
    [{ to: "x", percent: 1, maxParalel: 3 }, "mirrors.main.maxParalel"],
  ])("%j are refused at %s", (options, param) => {
    const make = (): unknown => mirrorLayer({ main: options as MirrorOptions });
    expect(make).toThrow(expect.objectContaining({ code: "option_invalid", param, source: "routing" }));
    expect(make).toThrow('the mirror of "main"');
  });

  it("must name models that exist", () => {
    const models = createModelTable([{ id: "a", model: "main", provider: "p", upstreamModel: "m" }], []);
    const validate =
      (main: string, to: string, others: readonly string[] = []) =>
      () =>
        mirrorLayer({ [main]: { to, percent: 1 } }).validate(models, others);
    expect(validate("main", "mian")).toThrow(
      'the mirror of "main" leads to the model "mian", which no deployment serves. Did you mean "main"?',
    );
    expect(validate("mian", "main")).toThrow('there is a mirror of the model "mian", which no deployment serves.');
    expect(validate("auto", "main", ["auto"])).not.toThrow();
    expect(validate("main", "auto", ["auto"])).toThrow(expect.objectContaining({ code: "deployment_invalid" }));
  });
});
