import { readFileSync } from "node:fs";
import type { CallOptions, Decoded, Deployment, EventOf, OperationName, Reply, ResultOf } from "@signalbox/kernel";
import { isFrame } from "@signalbox/kernel";
import { createTransport, parseJsonBody } from "@signalbox/kernel/http";
import type { Exchange, ReplayServer } from "@signalbox/kernel/testkit";
import { replayServer, testAttempt } from "@signalbox/kernel/testkit";
import type { WireProfile } from "@signalbox/provider-openai";
import { OPENAI_PROFILE, openaiDialects, openaiWire } from "@signalbox/provider-openai";

interface Fixture {
  readonly reply: Record<string, unknown>;
  readonly frames: readonly object[];
}

function read(name: string): Fixture {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), "utf8")) as Fixture;
}

export function replyBody(name: string): Record<string, unknown> {
  return read(name).reply;
}

export function reply(name: string): Exchange {
  return { body: replyBody(name) };
}

/** Chunks as server-sent events, ended as OpenAI ends them. */
export function sse(chunks: readonly unknown[], end: string = "data: [DONE]\n\n"): string {
  return chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("") + end;
}

export function stream(name: string): Exchange {
  return { bodyText: sse(read(name).frames) };
}

const ROUTES = {
  chat: "/v1/chat/completions",
  complete: "/v1/completions",
  embed: "/v1/embeddings",
} as const;

/** A client's request, decoded by the dialect that serves the operation. */
export function decoded<Name extends keyof typeof ROUTES>(
  operation: Name,
  body: string | object,
  input: {
    readonly path?: string;
    readonly params?: Record<string, string>;
    readonly headers?: Record<string, string>;
  } = {},
): Decoded<Name> {
  const path = input.path ?? ROUTES[operation];
  const route = openaiDialects()
    .flatMap((dialect) => dialect.routes)
    .find((each) => each.kind === "call" && each.path === path);
  if (route?.kind !== "call") throw new Error(`no call route ${path}`);
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return route.decode({
    method: "POST",
    path,
    query: new URLSearchParams(),
    params: input.params ?? {},
    headers: input.headers ?? {},
    body: parseJsonBody(bytes),
  }) as unknown as Decoded<Name>;
}

export interface Exchanged<Name extends OperationName> {
  /** What the client got. */
  readonly body: string;
  /** What the upstream got. */
  readonly sent: string;
  readonly sentHeaders: Readonly<Record<string, unknown>>;
  readonly sentPath: string;
  readonly lane: string;
  readonly result: ResultOf<Name>;
  readonly frames: number;
  readonly droppedParams: readonly string[];
  readonly notes: readonly string[];
}

export interface ExchangeInput {
  readonly exchange: Exchange;
  readonly profile?: Partial<WireProfile>;
  readonly deployment?: Partial<Deployment>;
  readonly options?: CallOptions;
  /** False: the request is encoded from its canonical form. */
  readonly native?: boolean;
  readonly headers?: Record<string, string>;
}

/** Client bytes → dialect → provider → loopback upstream and back, without a gateway. */
export async function exchanged<Name extends keyof typeof ROUTES>(
  operation: Name,
  body: string | object,
  input: ExchangeInput,
): Promise<Exchanged<Name>> {
  const upstream: ReplayServer = await replayServer(input.exchange);
  const transport = createTransport();
  try {
    const call = decoded(operation, body, input.headers === undefined ? {} : { headers: input.headers });
    const provider = openaiWire({ ...OPENAI_PROFILE, ...input.profile });
    const attempt = testAttempt<Name>({
      operation,
      request: call.request,
      options: { ...call.options, ...input.options },
      transport,
      ...(input.native !== false && { native: call.native }),
      deployment: { id: "d1", provider: provider.name, baseUrl: `${upstream.url}/v1`, ...input.deployment },
    });
    const answer = provider.operations[operation] as unknown as (attempt: unknown) => Reply<Name>;
    const encoder = call.encoder(attempt);
    const replyOfCall = answer(attempt);
    let text = "";
    let frames = 0;
    let seen = false;
    for (;;) {
      const step = await replyOfCall.next();
      if (step.done === true) {
        text += encoder.streaming
          ? encoder.end(step.value, seen).toString()
          : encoder.result(step.value).body.toString();
        const [sent] = upstream.sent;
        return {
          body: text,
          sent: sent?.body ?? "",
          sentHeaders: sent?.headers ?? {},
          sentPath: sent?.path ?? "",
          lane: attempt.record.lane,
          result: step.value,
          frames,
          droppedParams: attempt.trace.droppedParams ?? [],
          notes: (attempt.trace.notes ?? []).map(({ text: note }) => note),
        };
      }
      seen = true;
      if (isFrame(step.value)) frames++;
      text += encoder.event(step.value as EventOf<Name>)?.toString() ?? "";
    }
  } finally {
    await upstream.close();
    await transport.close?.();
  }
}
