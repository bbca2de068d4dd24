import { afterEach } from "vitest";
import type {
  Attempt,
  ChatResult,
  Deployment,
  ErrorCode,
  Explanation,
  Gateway,
  GatewayError,
  GatewayOptions,
  Plugin,
  Provider,
  Reply,
  SdkOptions,
  Trace,
} from "@signalbox/kernel";
import { createGateway, isGatewayError, resultEvents } from "@signalbox/kernel";
import { upstreamError } from "@signalbox/kernel/http";
import type { Exchange, ReplayServer } from "@signalbox/kernel/testkit";
import { replayServer } from "@signalbox/kernel/testkit";
import type { FallbacksOptions } from "../../src/index.ts";
import { fallbacks } from "../../src/index.ts";

/** What an upstream answers: a status, a failure with a code of its own, or a whole exchange. */
export type Answer = number | ErrorCode | Exchange;

/** Deployment id → its answers in order; the last one stays. Without an entry: 200. */
export type Answers = Readonly<Record<string, readonly Answer[] | Answer>>;

export interface BenchOptions extends FallbacksOptions {
  readonly gateway?: Partial<GatewayOptions>;
  readonly plugins?: readonly Plugin[];
}

/** A gateway of this plugin before an upstream on loopback whose path is the deployment's id. */
export interface Bench {
  readonly gateway: Gateway;
  readonly upstream: ReplayServer;
  /** Ids of the deployments that were sent requests since the last look, in order. */
  tried(): string;
  /** Asks model "a". What came out of it, and what the trace says. */
  ask(options?: SdkOptions & { readonly model?: string; readonly stream?: boolean }): Promise<Asked>;
  explain(options?: SdkOptions & { readonly model?: string }): Promise<Explanation>;
}

export interface Asked {
  readonly error: GatewayError | undefined;
  readonly result: ChatResult | undefined;
  readonly trace: Trace;
  readonly tookMs: number;
  /** What the router decided. */
  readonly notes: readonly string[];
}

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** `"a1 a2 b1"`: deployments named after their models, a letter each. */
export function deploymentsOf(ids: string, more: Readonly<Record<string, Partial<Deployment>>> = {}): Deployment[] {
  return ids.split(" ").map((id) => ({ id, model: id.charAt(0), provider: "wire", upstreamModel: id, ...more[id] }));
}

export async function bench(
  deployments: readonly Deployment[],
  answers: Answers,
  { gateway: gatewayOptions, plugins = [], ...options }: BenchOptions = {},
): Promise<Bench> {
  const counts = new Map<string, number>();
  const upstream = await replayServer((request) => {
    const id = request.path.slice(1);
    const count = counts.get(id) ?? 0;
    counts.set(id, count + 1);
    const given = answers[id] ?? 200;
    const list = Array.isArray(given) ? (given as readonly Answer[]) : [given as Answer];
    return exchangeOf(list[Math.min(count, list.length - 1)] ?? 200);
  });
  const gateway = await createGateway({
    plugins: [{ name: "wire", providers: [wire(upstream.url)] }, fallbacks(options), ...plugins],
    deployments,
    ...gatewayOptions,
  });
  closing.push(async () => {
    await gateway.close();
    await upstream.close();
  });
  let seen = 0;

  async function ask({
    model = "a",
    stream = false,
    signal,
    principal,
    ...callOptions
  }: SdkOptions & { readonly model?: string; readonly stream?: boolean } = {}): Promise<Asked> {
    const startedAt = performance.now();
    const { call, reply } = gateway.open({
      operation: "chat",
      request: { model, messages: [], ...(stream && { stream }) },
      options: callOptions,
      ...(signal !== undefined && { signal }),
      ...(principal !== undefined && { principal }),
    });
    let result: ChatResult | undefined;
    let error: GatewayError | undefined;
    try {
      let step = await reply.next();
      while (step.done !== true) step = await reply.next();
      result = step.value;
    } catch (thrown) {
      if (!isGatewayError(thrown)) throw thrown;
      error = thrown;
    }
    const notes = (call.trace.notes ?? []).map(({ text }) => text);
    return { error, result, trace: call.trace, tookMs: performance.now() - startedAt, notes };
  }

  return {
    gateway,
    upstream,
    ask,
    tried() {
      const ids = upstream.sent.slice(seen).map(({ path }) => path.slice(1));
      seen = upstream.sent.length;
      return ids.join(" ");
    },
    explain: ({ model = "a", signal: _, principal, ...callOptions } = {}) =>
      gateway.explain({
        operation: "chat",
        request: { model, messages: [] },
        options: callOptions,
        ...(principal !== undefined && { principal }),
      }),
  };
}

function exchangeOf(answer: Answer): Exchange {
  if (typeof answer === "object") return answer;
  if (typeof answer === "number") return { status: answer, body: answer === 200 ? { text: "Hello" } : {} };
  return { status: 400, body: { error: { code: answer } } };
}

/** A provider of the simplest kind: an empty request, a text or an error comes back. */
function wire(url: string): Provider {
  async function* chat(attempt: Attempt<"chat">): Reply<"chat"> {
    const response = await attempt.transport.send({
      method: "POST",
      origin: url,
      path: `/${attempt.deployment.id}`,
      headers: ["content-type", "application/json"],
      body: "{}",
      signal: attempt.signal,
    });
    if (response.status !== 200) {
      const map = (body: unknown): { code?: ErrorCode } => {
        const code = (body as { error?: { code?: ErrorCode } } | undefined)?.error?.code;
        return code === undefined ? {} : { code };
      };
      throw upstreamError({ provider: "wire", ...response, map });
    }
    const { text } = JSON.parse(response.body.toString()) as { text: string };
    const result: ChatResult = {
      id: "reply",
      model: attempt.upstreamModel,
      createdAt: 0,
      choices: [{ index: 0, content: [{ type: "text", text }], finishReason: "stop" }],
      usage: { inputTokens: 1, outputTokens: 1 },
    };
    if (attempt.request.stream === true) yield* resultEvents(result);
    return result;
  }
  return { name: "wire", operations: { chat } };
}
