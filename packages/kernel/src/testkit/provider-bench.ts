import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { Attempt } from "../call.ts";
import type { ChatRequest } from "../chat/request.ts";
import type { Deployment } from "../deployment.ts";
import type { GatewayError } from "../errors.ts";
import { isGatewayError } from "../errors.ts";
import { createTransport } from "../http/index.ts";
import type { OperationName, Reply, RequestOf } from "../operation.ts";
import type { Provider } from "../provider.ts";
import { collectReply } from "../reply.ts";
import { Secret } from "../secret.ts";
import type { Exchange } from "./exchange.ts";
import type { OperationScenario, ProviderCapabilities, ProviderWire } from "./provider-wire.ts";
import type { ReplayHandler, ReplayServer, ReplayServerOptions } from "./replay-server.ts";
import { replayServer } from "./replay-server.ts";
import type { Runner } from "./runner.ts";
import { testAttempt } from "./test-context.ts";

/** What the kit tells about its upstream. */
export interface ProviderContext {
  /** Root of the kit's upstream: `http://127.0.0.1:<port>`, sometimes with a path behind it. */
  readonly baseUrl: string;
  readonly apiKey: Secret;
}

/** What `testProvider` needs. */
export interface ProviderKit {
  readonly runner: Runner;
  /** Made anew for every case. */
  readonly provider: (context: ProviderContext) => Provider | Promise<Provider>;
  /** Default: `{ baseUrl, apiKey }`. Append what the vendor's base URL has: `${baseUrl}/v1`. */
  readonly deployment?: (context: ProviderContext) => Partial<Deployment>;
  readonly wire: ProviderWire;
  readonly capabilities?: ProviderCapabilities;
}

/** A key that must reach the upstream and nothing else. */
export const KIT_KEY = "sk-kit-4Zb1Qw8sNc2Xv7Lm";
export const PUBLIC_MODEL = "kit-public-model";
const UPSTREAM_MODEL = "kit-upstream-model";

export const PLAIN_REQUEST: ChatRequest = {
  model: PUBLIC_MODEL,
  messages: [{ role: "user", content: [{ type: "text", text: "Say hello." }] }],
};

export interface AttemptInput<Name extends OperationName> {
  readonly operation: Name;
  readonly request: RequestOf<Name>;
  readonly deployment?: Partial<Deployment> | undefined;
  readonly signal?: AbortSignal;
  readonly dropParams?: boolean;
}

/** A provider in front of an upstream of the kit's own. */
export interface Bench {
  readonly provider: Provider;
  readonly upstream: ReplayServer;
  attempt<Name extends OperationName>(input: AttemptInput<Name>): Attempt<Name>;
  /** The provider's reply; fails when the provider does not offer the operation. */
  reply<Name extends OperationName>(attempt: Attempt<Name>): Reply<Name>;
}

export interface BenchOptions extends ReplayServerOptions {
  /** Put behind the upstream's address. */
  readonly path?: string;
  /** Instead of the upstream's address. */
  readonly baseUrl?: string;
}

/** Runs `body` with a fresh provider, upstream and transport, and closes them. */
export async function withBench(
  kit: ProviderKit,
  exchanges: Exchange | readonly Exchange[] | ReplayHandler,
  options: BenchOptions,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  const upstream = await replayServer(exchanges, options);
  const transport = createTransport();
  try {
    const context: ProviderContext = {
      baseUrl: options.baseUrl ?? `${upstream.url}${options.path ?? ""}`,
      apiKey: new Secret(KIT_KEY),
    };
    const provider = await kit.provider(context);
    await body({
      provider,
      upstream,
      attempt(input) {
        const own = kit.deployment?.(context) ?? context;
        return testAttempt({
          operation: input.operation,
          request: input.request,
          transport,
          deployment: {
            id: "kit",
            model: PUBLIC_MODEL,
            provider: provider.name,
            upstreamModel: UPSTREAM_MODEL,
            ...own,
            ...input.deployment,
          },
          options: input.dropParams === undefined ? {} : { dropParams: input.dropParams },
          ...(input.signal !== undefined && { signal: input.signal }),
        });
      },
      reply(attempt) {
        const answer = provider.operations[attempt.operation];
        assert.ok(answer !== undefined, `provider "${provider.name}" does not offer "${attempt.operation}"`);
        return (answer as (attempt: Attempt) => Reply)(attempt as unknown as Attempt) as never;
      },
    });
  } finally {
    await upstream.close();
    await transport.close?.();
  }
}

/** One way to ask the provider something, with the exchange that answers it. */
export interface Probe {
  readonly name: "plain" | "streamed";
  readonly operation: OperationName;
  readonly request: RequestOf<OperationName>;
  readonly deployment: Partial<Deployment> | undefined;
  readonly exchange: Exchange;
}

/** What the fault and lifecycle cases ask: chat where there is chat, else the first other operation. */
export function probesOf(kit: ProviderKit): readonly Probe[] {
  const { chat, operations } = kit.wire;
  const text = chat?.text;
  const probes: Probe[] = [];
  if (text !== undefined && kit.capabilities?.chat !== false) {
    const request: ChatRequest = { ...PLAIN_REQUEST, ...text.request };
    const { deployment } = text;
    if (text.reply !== undefined) {
      probes.push({ name: "plain", operation: "chat", request, deployment, exchange: text.reply });
    }
    if (text.stream !== undefined && kit.capabilities?.streaming !== false) {
      const streamed = { ...request, stream: true };
      probes.push({ name: "streamed", operation: "chat", request: streamed, deployment, exchange: text.stream });
    }
    return probes;
  }
  for (const [operation, scenarios] of Object.entries(operations ?? {})) {
    const [scenario] = scenarios as readonly OperationScenario<"embed">[];
    if (scenario?.reply === undefined) continue;
    const request = { ...scenario.request, model: PUBLIC_MODEL };
    return [
      {
        name: "plain",
        operation: operation as OperationName,
        request,
        deployment: scenario.deployment,
        exchange: scenario.reply,
      },
    ];
  }
  return [];
}

/** The exchange with another body, status or fault. */
export function spoilt(exchange: Exchange, change: Partial<Exchange>): Exchange {
  return { ...exchange, ...change };
}

/** The error that a reply ends with, and how many events came before. Fails when it ends well, or otherwise. */
export async function failureOf<Name extends OperationName>(
  reply: Reply<Name>,
): Promise<{ readonly error: GatewayError; readonly events: number }> {
  let events = 0;
  try {
    for (;;) {
      const step = await reply.next();
      if (step.done === true) break;
      events++;
    }
  } catch (thrown) {
    assert.ok(isGatewayError(thrown), `expected a GatewayError, got ${inspect(thrown)}`);
    checkNoSecret(thrown);
    return { error: thrown, events };
  }
  throw new assert.AssertionError({ message: "the reply should have failed, but it ended with a result" });
}

/** Neither the message nor anything that hangs on an error shows the key. */
function checkNoSecret(error: GatewayError): void {
  const shown = `${inspect(error, { depth: 12, showHidden: false })} ${error.stack ?? ""}`;
  assert.ok(!shown.includes(KIT_KEY), `the error shows the deployment's key: ${shown.replaceAll(KIT_KEY, "<key>")}`);
}

/** Reads a reply to its end and keeps events and result. */
export function readReply(bench: Bench, probe: Probe, signal?: AbortSignal): ReturnType<typeof collectReply> {
  const { operation, request, deployment } = probe;
  const attempt = bench.attempt({ operation, request, deployment, ...(signal !== undefined && { signal }) });
  return collectReply(bench.reply(attempt));
}
