import "reflect-metadata";
import { container as root } from "tsyringe";
import { afterEach, describe, expect, it } from "vitest";
import type { CanonicalChatEvent, Deployment, Gateway, Provider, Router } from "@signalbox/kernel";
import { createGateway, GatewayError, ROUTER, TRANSPORT } from "@signalbox/kernel";
import { failWith, sayText, scripted, textEvents, textResult } from "./support/scripted-provider.ts";

const open: Gateway[] = [];

async function gatewayOf(
  providers: readonly Provider[],
  options: Partial<Parameters<typeof createGateway>[0]> = {},
): Promise<Gateway> {
  const gateway = await createGateway({ plugins: [{ name: "test", providers }], ...options });
  open.push(gateway);
  return gateway;
}

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

function deployment(id: string, model: string, provider: string, upstreamModel: string = model): Deployment {
  return { id, model, provider, upstreamModel };
}

const hello = [{ role: "user", content: "hello" }] as const;

describe("a call without a server", () => {
  it("answers a model string with provider and model", async () => {
    const shop = scripted("shop", (attempt) => sayText(attempt, "hi"));
    const gateway = await gatewayOf([shop]);
    const result = await gateway.chat({ model: "shop/large", messages: hello });
    expect(result.choices[0]?.content).toEqual([{ type: "text", text: "hi" }]);
    expect(shop.seen[0]?.upstreamModel).toBe("large");
    expect(shop.seen[0]?.request.messages).toEqual([{ role: "user", content: [{ type: "text", text: "hello" }] }]);
  });

  it("finds the provider of a bare name by its prefix, the longest first", async () => {
    const one = { ...scripted("one", (attempt) => sayText(attempt, "one")), modelPrefixes: ["big-"] };
    const two = { ...scripted("two", (attempt) => sayText(attempt, "two")), modelPrefixes: ["big-model-"] };
    const gateway = await gatewayOf([one, two]);
    expect((await gateway.chat({ model: "big-7", messages: hello })).choices[0]?.content).toEqual([
      { type: "text", text: "one" },
    ]);
    const result = await gateway.chat({ model: "big-model-7", messages: hello });
    expect(result).toMatchObject({ model: "big-model-7", choices: [{ content: [{ text: "two" }] }] });
  });

  it("streams events and resolves the result at the end", async () => {
    const gateway = await gatewayOf([
      scripted("shop", async function* () {
        yield* textEvents(["he", "llo"]);
        return textResult("hello");
      }),
    ]);
    const stream = gateway.chat.stream({ model: "shop/m", messages: hello });
    const events: CanonicalChatEvent[] = [];
    for await (const event of stream) events.push(event as CanonicalChatEvent);
    expect(events).toEqual(textEvents(["he", "llo"]));
    expect((await stream.result).choices[0]?.content).toEqual([{ type: "text", text: "hello" }]);
  });

  it("makes the events of a reply that came without", async () => {
    const gateway = await gatewayOf([
      // biome-ignore lint/correctness/useYield: a provider without streaming
      scripted("shop", async function* () {
        return textResult("whole");
      }),
    ]);
    const texts: string[] = [];
    for await (const event of gateway.chat.stream({ model: "shop/m", messages: hello })) {
      if (event.type === "partDelta" && event.delta.type === "text") texts.push(event.delta.text);
    }
    expect(texts).toEqual(["whole"]);
  });

  it("closes the provider's reply when the reader leaves early", async () => {
    let closed = false;
    const gateway = await gatewayOf([
      scripted("shop", async function* () {
        try {
          yield* textEvents(["a", "b"]);
          return textResult("ab");
        } finally {
          closed = true;
        }
      }),
    ]);
    const stream = gateway.chat.stream({ model: "shop/m", messages: hello });
    for await (const _ of stream) break;
    expect(closed).toBe(true);
    await expect(stream.result).rejects.toThrow("the stream was left before its end");
    expect(gateway.activeCalls).toBe(0);
  });

  it("embeds", async () => {
    const gateway = await gatewayOf([
      {
        name: "shop",
        operations: {
          async *embed(attempt) {
            return {
              model: attempt.upstreamModel,
              embeddings: attempt.request.inputs.map((input) => [input.length]),
              usage: { inputTokens: 2, outputTokens: 0 },
            };
          },
        },
      },
    ]);
    expect((await gateway.embed({ model: "shop/e", input: ["a", "bcd"] })).embeddings).toEqual([[1], [3]]);
  });
});

describe("models", () => {
  it("names the nearest models when one does not exist", async () => {
    const shop = scripted("shop", (attempt) => sayText(attempt, "hi"));
    const gateway = await gatewayOf([shop], {
      deployments: [deployment("1", "fast", "shop"), deployment("2", "faster", "shop")],
    });
    await expect(gateway.chat({ model: "fats", messages: hello })).rejects.toMatchObject({
      code: "model_not_found",
      status: 404,
      param: "model",
      message: 'model "fats" does not exist; the nearest names are "fast"',
    });
  });

  it("does not name models to a caller who may not use them", async () => {
    const shop = scripted("shop", (attempt) => sayText(attempt, "hi"));
    const gateway = await gatewayOf([shop], {
      deployments: [deployment("1", "secret-one", "shop"), deployment("2", "public", "shop")],
    });
    const principal = { id: "k", kind: "key", admin: false, models: ["public"] } as const;
    await expect(gateway.chat({ model: "secret-on", messages: hello }, { principal })).rejects.toMatchObject({
      code: "model_not_found",
      message: 'model "secret-on" does not exist',
    });
    await expect(gateway.chat({ model: "secret-one", messages: hello }, { principal })).rejects.toMatchObject({
      code: "model_not_allowed",
      status: 403,
    });
    await expect(gateway.chat({ model: "public", messages: hello }, { principal })).resolves.toBeDefined();
  });

  it("prefers an exact name to a wildcard and the longest wildcard to a shorter one", async () => {
    const shop = scripted("shop", (attempt) => sayText(attempt, "hi"));
    const gateway = await gatewayOf([shop], {
      deployments: [
        deployment("all", "*", "shop", "*"),
        deployment("team", "team/*", "shop", "*"),
        deployment("one", "team/one", "shop", "the-one"),
      ],
    });
    for (const model of ["team/one", "team/two", "other"]) await gateway.chat({ model, messages: hello });
    expect(shop.seen.map((attempt) => [attempt.deployment.id, attempt.upstreamModel])).toEqual([
      ["one", "the-one"],
      ["team", "two"],
      ["all", "other"],
    ]);
  });
});

describe("the default router", () => {
  const down = (name: string, code: "provider_error" | "provider_rate_limited" | "invalid_request") =>
    scripted(name, () => failWith(new GatewayError(code, `${name} failed`, { source: name })));

  it("tries the deployments of a model in listed order until one answers", async () => {
    const one = down("one", "provider_error");
    const two = scripted("two", (attempt) => sayText(attempt, "from two"));
    const three = scripted("three", (attempt) => sayText(attempt, "from three"));
    const gateway = await gatewayOf([one, two, three], {
      deployments: ["one", "two", "three"].map((name) => deployment(name, "m", name)),
    });
    const opened = gateway.open({
      operation: "chat",
      request: { model: "m", messages: [] },
    });
    const step = await opened.reply.next();
    expect(step).toMatchObject({ done: true, value: { choices: [{ content: [{ text: "from two" }] }] } });
    expect(opened.call.trace.attempts).toMatchObject([
      { ordinal: 1, deployment: "one", code: "provider_error" },
      { ordinal: 2, deployment: "two" },
    ]);
    expect(three.seen).toEqual([]);
  });

  it("does not try another deployment after a request error", async () => {
    const two = scripted("two", (attempt) => sayText(attempt, "no"));
    const gateway = await gatewayOf([down("one", "invalid_request"), two], {
      deployments: [deployment("1", "m", "one"), deployment("2", "m", "two")],
    });
    await expect(gateway.chat({ model: "m", messages: hello })).rejects.toMatchObject({ code: "invalid_request" });
    expect(two.seen).toEqual([]);
  });

  it("does not try another deployment after the first event", async () => {
    const one = scripted("one", async function* () {
      yield* textEvents(["half"]).slice(0, 3);
      throw new GatewayError("provider_error", "cut", { source: "one" });
    });
    const two = scripted("two", (attempt) => sayText(attempt, "no"));
    const gateway = await gatewayOf([one, two], {
      deployments: [deployment("1", "m", "one"), deployment("2", "m", "two")],
    });
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const event of gateway.chat.stream({ model: "m", messages: hello })) seen.push(event.type);
    };
    await expect(read()).rejects.toMatchObject({ code: "provider_error", message: "cut" });
    expect(seen).toEqual(["replyStart", "partStart", "partDelta"]);
    expect(two.seen).toEqual([]);
  });

  it("goes on to the fallbacks of the model that was asked for, each deployment once", async () => {
    const bad = down("bad", "provider_rate_limited");
    const gateway = await gatewayOf([bad], {
      deployments: ["a", "b", "c"].map((model) => deployment(model, model, "bad")),
      fallbacks: { a: ["b", "a", "c"], b: ["a", "c"] },
    });
    await expect(gateway.chat({ model: "a", messages: hello })).rejects.toMatchObject({
      code: "provider_rate_limited",
      status: 429,
      details: {
        attempts: [
          { provider: "bad", status: 429, code: "provider_rate_limited" },
          { provider: "bad", status: 429, code: "provider_rate_limited" },
          { provider: "bad", status: 429, code: "provider_rate_limited" },
        ],
      },
    });
    expect(bad.seen.map((attempt) => attempt.deployment.id)).toEqual(["a", "b", "c"]);
  });

  it("falls back to a concrete model of a wildcard", async () => {
    const bad = down("bad", "provider_error");
    const good = scripted("good", (attempt) => sayText(attempt, "ok"));
    const gateway = await gatewayOf([bad, good], {
      deployments: [deployment("a", "a", "bad"), deployment("g", "good/*", "good", "*")],
      fallbacks: { a: ["good/tiny"] },
    });
    expect((await gateway.chat({ model: "a", messages: hello })).model).toBe("tiny");
  });

  it("keeps to the request's own fallbacks, or to none", async () => {
    const bad = down("bad", "provider_error");
    const gateway = await gatewayOf([bad], {
      deployments: ["a", "b", "c"].map((model) => deployment(model, model, "bad")),
      fallbacks: { a: ["b"] },
    });
    await gateway.chat({ model: "a", messages: hello }, { fallbacks: ["c"] }).catch(() => undefined);
    await gateway.chat({ model: "a", messages: hello }, { disableFallbacks: true }).catch(() => undefined);
    expect(bad.seen.map((attempt) => attempt.deployment.id)).toEqual(["a", "c", "a"]);
  });

  it("says why when no deployment offers the operation", async () => {
    const gateway = await gatewayOf([scripted("shop", (attempt) => sayText(attempt, "hi"))]);
    await expect(gateway.embed({ model: "shop/m", input: "x" })).rejects.toMatchObject({
      code: "unsupported_operation",
      status: 400,
      message:
        'no deployment of model "shop/m" can serve this request: provider "shop" does not offer the operation "embed"',
    });
  });

  it("hides what an unknown failure says", async () => {
    const gateway = await gatewayOf([scripted("shop", () => failWith(new Error("password=hunter2")))]);
    await expect(gateway.chat({ model: "shop/m", messages: hello })).rejects.toMatchObject({
      code: "internal_error",
      message: "the gateway failed to process this call",
    });
  });
});

describe("replaced contracts", () => {
  it("uses the application's router and leaves tsyringe's global container alone", async () => {
    const shop = scripted("shop", (attempt) => sayText(attempt, "hi"));
    const own = root.createChildContainer();
    const router: Router = { route: () => [deployment("own", "m", "shop", "chosen")] };
    own.register(ROUTER, { useValue: router });
    const gateway = await gatewayOf([shop], { container: own });
    expect((await gateway.chat({ model: "anything", messages: hello })).model).toBe("chosen");
    expect(root.isRegistered(ROUTER)).toBe(false);
    expect(root.isRegistered(TRANSPORT)).toBe(false);
  });

  it("lets a plugin register in setup", async () => {
    const shop = scripted("shop", (attempt) => sayText(attempt, "hi"));
    const gateway = await createGateway({
      plugins: [
        { name: "vendors", providers: [shop] },
        {
          name: "own-routing",
          setup(container) {
            container.register<Router>(ROUTER, { useValue: { route: () => [deployment("x", "m", "shop", "set")] } });
          },
        },
      ],
    });
    open.push(gateway);
    expect((await gateway.chat({ model: "m", messages: hello })).model).toBe("set");
  });

  it("reports outcomes to the router", async () => {
    const outcomes: unknown[] = [];
    const router: Router = {
      route: () => [deployment("bad", "m", "bad"), deployment("good", "m", "good")],
      report: (target, outcome) => outcomes.push([target.id, outcome.ok, outcome.error?.code]),
    };
    const bad = scripted("bad", () => failWith(new GatewayError("provider_overloaded", "busy")));
    const good = scripted("good", (attempt) => sayText(attempt, "ok"));
    const gateway = await createGateway({ plugins: [{ name: "p", providers: [bad, good], router }] });
    open.push(gateway);
    await gateway.chat({ model: "m", messages: hello });
    expect(outcomes).toEqual([
      ["bad", false, "provider_overloaded"],
      ["good", true, undefined],
    ]);
  });
});
