import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Attempt, Gateway, OperationName, Reply, Trace } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import type { Exchange, ReplayServer } from "@signalbox/kernel/testkit";
import { replayServer } from "@signalbox/kernel/testkit";
import { masterKey } from "@signalbox/plugin-config";
import type { FallbacksOptions, HedgeOptions } from "@signalbox/plugin-fallbacks";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { CLIENT_KEY, chatEvents, chatReply, sse, UPSTREAM_KEY } from "./scripted-gateway.ts";

/** Longer than it takes until a second try is made, and far shorter than the slow ones. */
const SOON_MS = 1_500;
const SLOW_MS = 10_000;

interface Bench {
  readonly gateway: Gateway;
  readonly client: OpenAI;
  readonly a: ReplayServer;
  readonly b: ReplayServer;
  readonly traces: readonly Trace[];
  /** What attempts went through the stage `attempt`, and how. */
  readonly passed: string[];
  /** Attempts that are running, as a layer counts them. */
  readonly running: { count: number };
  answers: Record<"a" | "b", Exchange | undefined>;
  ask(stream?: boolean): Promise<string>;
}

let bench: Bench | undefined;
let listener: Listener | undefined;
afterEach(async () => {
  await listener?.close();
  await bench?.gateway.close();
  await bench?.a.close();
  await bench?.b.close();
});

const quick = (name: string, stream: boolean): Exchange =>
  stream
    ? { bodyText: sse("openai", chatEvents("openai", [`from `, name])) }
    : { body: chatReply("openai", `from ${name}`) };

/** Two deployments of one model, after enough calls to know how long they take. */
async function warmBench(
  hedge: HedgeOptions = {},
  stream: boolean = false,
  options: FallbacksOptions = {},
): Promise<Bench> {
  const answers: Bench["answers"] = { a: undefined, b: undefined };
  const server = (name: "a" | "b"): Promise<ReplayServer> =>
    replayServer(({ body }) => answers[name] ?? quick(name, JSON.parse(body).stream === true));
  const [a, b] = [await server("a"), await server("b")];
  const traces: Trace[] = [];
  const passed: string[] = [];
  const running = { count: 0 };
  const apiKey = new Secret(UPSTREAM_KEY);
  const gateway = await createGateway({
    plugins: [
      {
        name: "vendors",
        providers: [openai({})],
        dialects: openaiDialects(),
        authenticator: masterKey(CLIENT_KEY),
        on: { callSucceeded: ({ trace }) => void traces.push(trace) },
        layers: {
          attempt: {
            events: "pass",
            async *layer<Name extends OperationName>(
              attempt: Attempt<Name>,
              next: (attempt: Attempt<Name>) => Reply<Name>,
            ): Reply<Name> {
              running.count++;
              let how = "closed";
              try {
                const result = yield* next(attempt);
                how = "answered";
                return result;
              } catch (thrown) {
                how = (thrown as { code?: string }).code ?? "?";
                throw thrown;
              } finally {
                running.count--;
                passed.push(`${attempt.deployment.id} ${how}`);
              }
            },
          },
        },
      },
      fallbacks({ retries: 0, hedge: { minMs: 60, ...hedge }, ...options }),
    ],
    deployments: [
      { id: "a", model: "m", provider: "openai", upstreamModel: "gpt-4o", baseUrl: `${a.url}/v1`, apiKey },
      { id: "b", model: "m", provider: "openai", upstreamModel: "gpt-4o", baseUrl: `${b.url}/v1`, apiKey },
    ],
  });
  listener = await listen(gateway, { port: 0, host: "127.0.0.1" });
  const client = new OpenAI({ baseURL: `${listener.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "hi" }];
  bench = {
    gateway,
    client,
    a,
    b,
    traces,
    passed,
    running,
    answers,
    async ask(streamed = stream) {
      if (!streamed) {
        return (await client.chat.completions.create({ model: "m", messages })).choices[0]?.message.content ?? "";
      }
      let text = "";
      for await (const { choices } of await client.chat.completions.create({ model: "m", messages, stream: true })) {
        text += choices[0]?.delta.content ?? "";
      }
      return text;
    },
  };
  for (let at = 0; at < 60; at++) await bench.ask();
  expect(b.sent).toHaveLength(0);
  traces.length = 0;
  passed.length = 0;
  return bench;
}

const timed = async <T>(promise: Promise<T>): Promise<[T, number]> => {
  const startedAt = performance.now();
  return [await promise, performance.now() - startedAt];
};

describe.each([
  ["whole replies", false],
  ["streams", true],
] as const)("hedged %s", (_what, stream) => {
  it("come from the second deployment when the first is slow, whose request is ended at once", async () => {
    const { answers, ask, a, b, traces, passed, running } = await warmBench({}, stream);
    answers.a = { ...quick("a", stream), headersDelayMs: SLOW_MS };
    const [text, took] = await timed(ask());
    const answeredAt = performance.now();
    expect(text).toBe("from b");
    expect(took).toBeLessThan(SOON_MS);
    expect(await a.sent.at(-1)?.ended).toBe("clientClosed");
    expect(performance.now() - answeredAt).toBeLessThan(100);
    expect(b.sent).toHaveLength(1);
    expect(passed.sort()).toEqual(["a client_closed", "b answered"]);
    expect(running.count).toBe(0);
    expect(traces[0]?.attempts).toMatchObject([
      { deployment: "a", code: "client_closed" },
      { deployment: "b", purpose: "hedge", status: 200 },
    ]);
    expect(traces[0]?.notes?.[0]?.text).toMatch(/^no answer after \d+ ms: also tried "b"$/);
  });

  it("come from the first when it answers before the second, to the end", async () => {
    const { answers, ask, b, passed, traces } = await warmBench({}, stream);
    answers.a = { ...quick("a", stream), headersDelayMs: 200, delivery: "lines", pauseMs: 20 };
    answers.b = { ...quick("b", stream), headersDelayMs: SLOW_MS };
    expect(await ask()).toBe("from a");
    expect(await b.sent[0]?.ended).toBe("clientClosed");
    expect(passed.sort()).toEqual(["a answered", "b client_closed"]);
    expect(traces[0]?.attempts.map(({ status }) => status)).toEqual([200, undefined]);
  });

  it("fail with the first failure when both fail", async () => {
    const { answers, ask, passed, running } = await warmBench({}, stream);
    answers.a = { status: 503, body: { error: { message: "first" } }, headersDelayMs: 200 };
    answers.b = { status: 500, body: { error: { message: "second" } }, headersDelayMs: 250 };
    await expect(ask()).rejects.toMatchObject({ status: 503 });
    expect(passed).toEqual(["a provider_overloaded", "b provider_error"]);
    expect(running.count).toBe(0);
  });

  it("end both with their caller", async () => {
    const { answers, client, a, b, gateway, passed, running } = await warmBench({}, stream);
    answers.a = { ...quick("a", stream), headersDelayMs: SLOW_MS };
    answers.b = answers.a;
    const controller = new AbortController();
    const body = { model: "m", messages: [{ role: "user" as const, content: "hi" }], stream };
    const asked = client.chat.completions.create(body, { signal: controller.signal });
    const failed = expect(asked).rejects.toThrow();
    await b.received(0);
    const leftAt = performance.now();
    controller.abort();
    await failed;
    expect(await a.sent.at(-1)?.ended).toBe("clientClosed");
    expect(await b.sent[0]?.ended).toBe("clientClosed");
    expect(performance.now() - leftAt).toBeLessThan(200);
    while (gateway.activeCalls > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(passed.sort()).toEqual(["a client_closed", "b client_closed"]);
    expect(running.count).toBe(0);
  });

  it("do not double the traffic when everything is slow", async () => {
    const { answers, ask, a, b, running } = await warmBench({}, stream);
    const before = a.sent.length;
    answers.a = { ...quick("a", stream), headersDelayMs: 400 };
    answers.b = { ...quick("b", stream), headersDelayMs: 400 };
    const asked = 100;
    const texts = await Promise.all(Array.from({ length: asked }, () => ask()));
    expect(texts.every((text) => text === "from a" || text === "from b")).toBe(true);
    expect(a.sent.length - before).toBe(asked);
    expect(b.sent.length).toBeGreaterThan(0);
    expect(b.sent.length).toBeLessThanOrEqual(asked * 0.1 + 10);
    expect(running.count).toBe(0);
  });
});

describe("a winner's stream that breaks", () => {
  async function brokenWinner(options: FallbacksOptions): Promise<Bench> {
    const made = await warmBench({}, true, options);
    const bodyText = sse("openai", chatEvents("openai", ["from ", "b"]));
    const afterBytes = sse("openai", chatEvents("openai", ["from ", "b"]).slice(0, 2)).length;
    made.answers.a = { ...quick("a", true), headersDelayMs: SLOW_MS };
    made.answers.b = { bodyText, delivery: "lines", fault: { type: "reset", afterBytes } };
    return made;
  }

  it("is not taken over by the one that lost", async () => {
    const { ask } = await brokenWinner({});
    await expect(ask()).rejects.toThrow(OpenAI.APIError);
  });

  it("is continued by the one that lost, where streams are continued: it was slow, not broken", async () => {
    const made = await brokenWinner({ continueStreams: true });
    const asked = made.ask();
    await made.b.received(0);
    made.answers.a = { bodyText: sse("openai", chatEvents("openai", ["a"])) };
    expect(await asked).toBe("from a");
    expect(made.traces[0]?.attempts).toMatchObject([
      { deployment: "a", code: "client_closed" },
      { deployment: "b", code: "provider_error", purpose: "hedge" },
      { deployment: "a", purpose: "continuation" },
    ]);
  });
});

it("models that are not named are not hedged", async () => {
  const { answers, ask, b } = await warmBench({ models: ["other"] });
  answers.a = { ...quick("a", false), headersDelayMs: 300 };
  expect(await ask()).toBe("from a");
  expect(b.sent).toHaveLength(0);
});
