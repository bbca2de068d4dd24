import { afterEach, describe, expect, it } from "vitest";
import type { CallOptions, Gateway, Guardrail, Layer, Plugin, Principal } from "../src/index.ts";
import { ALLOW, createGateway, replyOf, textGuardrail } from "../src/index.ts";

const open: Gateway[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((gateway) => gateway.close()));
});

const CHAT = { id: "r-1", createdAt: 1, usage: { inputTokens: 1, outputTokens: 1 } };

/** Says which model it is, or what `says` tells it to, in turn. */
function vendor(
  says: readonly string[] = [],
  onCall: (signal: AbortSignal) => Promise<void> | void = () => {},
): Plugin {
  let at = 0;
  return {
    name: "vendor",
    providers: [
      {
        name: "vendor",
        operations: {
          chat: (attempt) =>
            replyOf<"chat">(async () => {
              await onCall(attempt.signal);
              const text = says[at++] ?? attempt.upstreamModel;
              return {
                ...CHAT,
                model: attempt.upstreamModel,
                choices: [{ index: 0, content: [{ type: "text", text }], finishReason: "stop" }],
              };
            }),
        },
      },
    ],
  };
}

const KEY: Principal = { id: "k-1", kind: "key", admin: false, models: ["large"], teamId: "t-1" };

async function gatewayWith(guardrails: readonly Guardrail[], plugin: Plugin = vendor(), layers?: Layer) {
  const gateway = await createGateway({
    plugins: [plugin, { name: "guards", guardrails, ...(layers !== undefined && { layers: { cache: layers } }) }],
    deployments: ["large", "small"].map((model) => ({ id: model, model, provider: "vendor", upstreamModel: model })),
  });
  open.push(gateway);
  return async (text: string, options: CallOptions = {}, principal: Principal = KEY) => {
    const call = gateway.open({
      operation: "chat",
      request: { model: "large", messages: [{ role: "user", content: [{ type: "text", text }] }] },
      principal,
      options,
    });
    let step = await call.reply.next();
    while (step.done !== true) step = await call.reply.next();
    return { text: step.value.choices[0]?.content[0], trace: call.call.trace };
  };
}

const wishes = (...guardrails: readonly string[]): CallOptions => ({ extensions: { guardrails } });

function blocking(name: string, facts: Partial<Guardrail> = {}): Guardrail {
  return { name, ...facts, checkRequest: () => ({ action: "block", reason: "no", category: "test" }) };
}

describe("for which calls a guardrail runs", () => {
  it("is on by default, and off for nobody without a grant", async () => {
    const ask = await gatewayWith([blocking("strict")]);
    await expect(ask("hi")).rejects.toMatchObject({ code: "guardrail_blocked" });
    await expect(ask("hi", wishes("-strict"))).rejects.toMatchObject({
      code: "invalid_request",
      param: "guardrails",
      message: 'this key may not turn off the guardrail "strict"',
    });
    const granted = { ...KEY, guardrails: { off: ["str*"] } };
    await expect(ask("hi", {}, granted)).rejects.toMatchObject({ code: "guardrail_blocked" });
    expect((await ask("hi", wishes("-strict"), granted)).text).toMatchObject({ text: "large" });
    expect((await ask("hi", wishes("-strict"), { ...KEY, admin: true })).text).toMatchObject({ text: "large" });
  });

  it("is on for those who ask for it", async () => {
    const ask = await gatewayWith([blocking("asked", { runs: { defaultOn: false } })]);
    expect((await ask("hi")).trace.headers).toBeUndefined();
    await expect(ask("hi", wishes("asked"))).rejects.toMatchObject({ source: "asked" });
    await expect(ask("hi", {}, { ...KEY, guardrails: { on: ["asked"] } })).rejects.toMatchObject({ source: "asked" });
  });

  it("refuses names that do not exist, and lists that are none", async () => {
    const ask = await gatewayWith([blocking("asked", { runs: { defaultOn: false } })]);
    await expect(ask("hi", wishes("askd"))).rejects.toMatchObject({ code: "invalid_request", param: "guardrails" });
    await expect(ask("hi", { extensions: { guardrails: { asked: true } } })).rejects.toMatchObject({
      code: "invalid_request",
    });
    await expect(ask("hi", {}, { ...KEY, guardrails: { on: ["gone"] } })).rejects.toMatchObject({
      code: "guardrail_unavailable",
      source: "gone",
    });
  });

  it.each([
    [{ keys: ["k-1"] }, true],
    [{ keys: ["k-2"] }, false],
    [{ teams: ["t-1"], keys: ["k-2"] }, true],
    [{ organizations: ["o-1"] }, false],
    [{ models: ["la*"] }, true],
    [{ models: ["small"] }, false],
    [{ models: ["small"], keys: ["k-1"] }, false],
  ] as const)("with %j: %s", async (runs, on) => {
    const ask = await gatewayWith([blocking("some", { runs })]);
    const asked = ask("hi").then(
      () => false,
      () => true,
    );
    expect(await asked).toBe(on);
  });

  it("tells the client which ones ran", async () => {
    const allow: Guardrail = { name: "a", checkRequest: () => ALLOW };
    const ask = await gatewayWith([
      allow,
      { ...allow, name: "b", runs: { defaultOn: false } },
      { ...allow, name: "c" },
    ]);
    expect((await ask("hi")).trace.headers).toEqual(["x-signalbox-applied-guardrails", "a,c"]);
  });
});

describe("a check beside the call", () => {
  const waits = (ms: number, verdict: ReturnType<NonNullable<Guardrail["checkRequest"]>>): Guardrail => ({
    name: "beside",
    parallel: true,
    async checkRequest() {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return verdict as never;
    },
  });

  it("costs no more than the slower of both", async () => {
    let begun = 0;
    const ask = await gatewayWith(
      [waits(60, ALLOW)],
      vendor([], () => {
        begun = performance.now();
      }),
    );
    const start = performance.now();
    expect((await ask("hi")).text).toMatchObject({ text: "large" });
    expect(begun - start).toBeLessThan(40);
  });

  it("stops the upstream when it blocks, and releases nothing", async () => {
    let reason: unknown;
    const slow = vendor(
      [],
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            reject(signal.reason as Error);
          });
        }),
    );
    const ask = await gatewayWith([waits(20, { action: "block", reason: "no" })], slow);
    await expect(ask("hi")).rejects.toMatchObject({ code: "guardrail_blocked", source: "beside" });
    expect(reason).toMatchObject({ code: "guardrail_blocked" });
  });

  it("blocks also where the upstream was faster, or has failed", async () => {
    const ask = await gatewayWith([waits(20, { action: "block", reason: "no" })]);
    await expect(ask("hi")).rejects.toMatchObject({ code: "guardrail_blocked" });
    const failing = vendor([], () => {
      throw new Error("broken");
    });
    const askFailing = await gatewayWith([waits(20, { action: "block", reason: "no" })], failing);
    await expect(askFailing("hi")).rejects.toMatchObject({ code: "guardrail_blocked" });
    const allowed = await gatewayWith([waits(20, ALLOW)], failing);
    await expect(allowed("hi")).rejects.toMatchObject({ code: "internal_error" });
  });

  it("starts again when it changes the call", async () => {
    const ask = await gatewayWith([waits(10, { action: "reroute", model: "small", reason: "smaller" })]);
    expect((await ask("hi")).text).toMatchObject({ text: "small" });
  });

  it("refuses when it fails", async () => {
    const broken: Guardrail = { name: "broken", parallel: true, checkRequest: () => Promise.reject(new Error("down")) };
    await expect((await gatewayWith([broken]))("hi")).rejects.toMatchObject({ code: "guardrail_unavailable" });
    const opened = await gatewayWith([{ ...broken, failOpen: true }]);
    expect((await opened("hi")).text).toMatchObject({ text: "large" });
  });
});

it("sends a request to a model that the caller was not granted itself", async () => {
  const ask = await gatewayWith([
    { name: "route", checkRequest: () => ({ action: "reroute", model: "small", reason: "sensitive" }) },
  ]);
  const { text, trace } = await ask("hi");
  expect(text).toMatchObject({ text: "small" });
  expect(trace.guarded).toEqual([{ guardrail: "route", mode: "input", action: "rerouted" }]);
});

it("only notes what it would do in a dry run", async () => {
  const ask = await gatewayWith([
    {
      name: "dry",
      dryRun: true,
      checkRequest: () => ({ action: "block", reason: "in" }),
      checkResult: () => ({ action: "block", reason: "out", category: "c" }),
    },
    {
      name: "broken",
      dryRun: true,
      checkRequest: () => {
        throw new Error("down");
      },
    },
  ]);
  const { text, trace } = await ask("hi");
  expect(text).toMatchObject({ text: "large" });
  expect(trace.guarded).toEqual([
    { guardrail: "dry", mode: "input", action: "blocked", dryRun: true },
    { guardrail: "dry", mode: "output", action: "blocked", category: "c", dryRun: true },
  ]);
  expect(trace.notes?.map(({ text: note }) => note)).toContain('guardrail "broken" failed in its dry run');
});

describe("asking once more", () => {
  const fussy: Guardrail = {
    name: "fussy",
    checkResult: (call, result) =>
      JSON.stringify(result).includes("good")
        ? ALLOW
        : { action: "again", request: call.request, reason: "not good", category: "quality" },
  };

  it("takes the second answer", async () => {
    const { text, trace } = await (await gatewayWith([fussy], vendor(["bad", "good"])))("hi");
    expect(text).toMatchObject({ text: "good" });
    expect(trace.guarded).toEqual([{ guardrail: "fussy", mode: "output", action: "askedAgain", category: "quality" }]);
  });

  it("refuses when that is no better", async () => {
    await expect((await gatewayWith([fussy], vendor(["bad", "bad", "good"])))("hi")).rejects.toMatchObject({
      code: "guardrail_blocked",
      details: { guardrail: "fussy", mode: "output", category: "quality" },
    });
  });
});

it("gives two callers with the same value no placeholder in common, and one caller the same in every call", async () => {
  const seen: string[] = [];
  const finder = {
    find: (text: string, from: number) => {
      const start = text.indexOf("ada", from);
      return start === -1 ? [] : [{ start, end: start + 3, kind: "name" }];
    },
    settled: (text: string, from: number) => Math.max(from, text.length - 2),
  };
  const watch: Layer = (call, next) => {
    seen.push(JSON.stringify(call.request));
    return next(call);
  };
  const mask = textGuardrail({ name: "mask", finder, action: "mask", reversible: true });
  const ask = await gatewayWith([mask], vendor(), watch);
  for (const id of ["k-1", "k-1", "k-2"]) await ask("I am ada", {}, { ...KEY, id });
  const [one, two, three] = seen.map((request) => /\[NAME_[A-Z2-7]{13}\]/.exec(request)?.[0]);
  expect(one).toBeDefined();
  expect(two).toBe(one);
  expect(three).not.toBe(one);
});
