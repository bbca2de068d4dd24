import type { Listener, ListenOptions } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Deployment, Gateway, GatewayOptions, Plugin } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import type { Exchange, ReplayHandler, SentRequest } from "@signalbox/kernel/testkit";
import { replayServer } from "@signalbox/kernel/testkit";
import { masterKey } from "@signalbox/plugin-config";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { openai, openaiDialects } from "@signalbox/provider-openai";

/** The two wire formats: of clients, and of upstreams. */
export type Wire = "openai" | "anthropic";

export const WIRES: readonly Wire[] = ["openai", "anthropic"];

export const CLIENT_KEY = "sk-client-canary-7d1f0c9e8b2a4653";
export const UPSTREAM_KEY = "sk-upstream-canary-3b8e6a1d5c7f9024";
/** In a header that the deployment called `secret` sends. */
export const HEADER_SECRET = "header-canary-9c2e4b7a1f6d8350";

/** A chat request in the client's dialect has one of these paths. */
export const CHAT_PATHS: Readonly<Record<Wire, string>> = {
  openai: "/v1/chat/completions",
  anthropic: "/v1/messages",
};

export interface WireReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface ScriptedOptions extends Omit<GatewayOptions, "plugins" | "deployments"> {
  readonly plugins?: readonly Plugin[];
  readonly listen?: ListenOptions;
  /** More deployments, once the address of the upstream is known. */
  readonly deployments?: (upstreamUrl: string) => readonly Deployment[];
}

/** A gateway on a real port in front of an upstream whose every byte is written by the test. */
export interface ScriptedGateway {
  readonly gateway: Gateway;
  readonly url: string;
  readonly upstreamUrl: string;
  /** What the upstream received, oldest first. */
  readonly sent: readonly SentRequest[];
  /** Sets the upstream's answers from now on. */
  answer(next: Exchange | ReplayHandler): void;
  /** A request with the right key; a body that is no string or Buffer is sent as JSON. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<WireReply>;
  close(): Promise<void>;
}

/**
 * Models: `openai/*` and `anthropic/*`, each through the provider of that name. Upstream paths: `/o/v1/chat/completions`
 * and `/a/v1/messages`.
 */
export async function scriptedGateway(options: ScriptedOptions = {}): Promise<ScriptedGateway> {
  const { plugins = [], listen: listenOptions, deployments: more, ...rest } = options;
  let handler: ReplayHandler = () => ({ status: 501, bodyText: "no answer was set" });
  const upstream = await replayServer((request, index) => handler(request, index));
  const apiKey = new Secret(UPSTREAM_KEY);
  const at = (path: string) => `${upstream.url}${path}`;
  const gateway = await createGateway({
    ...rest,
    plugins: [
      {
        name: "vendors",
        providers: [openai({}), anthropic({})],
        dialects: [...openaiDialects(), ...anthropicDialects()],
        authenticator: masterKey(CLIENT_KEY),
      },
      ...plugins,
    ],
    deployments: [
      { id: "o", model: "openai/*", provider: "openai", upstreamModel: "*", baseUrl: at("/o/v1"), apiKey },
      { id: "a", model: "anthropic/*", provider: "anthropic", upstreamModel: "*", baseUrl: at("/a"), apiKey },
      ...(more?.(upstream.url) ?? []),
    ],
  });
  const listener: Listener = await listen(gateway, { port: 0, host: "127.0.0.1", ...listenOptions });
  return {
    gateway,
    url: listener.url,
    upstreamUrl: upstream.url,
    sent: upstream.sent,
    answer(next) {
      handler = typeof next === "function" ? next : () => next;
    },
    async post(path, body, headers) {
      const response = await fetch(`${listener.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${CLIENT_KEY}`, ...headers },
        body: typeof body === "string" || Buffer.isBuffer(body) ? (body as string) : JSON.stringify(body),
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
    async close() {
      await listener.close();
      await gateway.close();
      await upstream.close();
    },
  };
}

/** The smallest chat request of a dialect. */
export function chatBody(client: Wire, model: string, more: object = {}): Record<string, unknown> {
  return {
    model,
    messages: [{ role: "user", content: "hello" }],
    ...(client === "anthropic" && { max_tokens: 64 }),
    ...more,
  };
}

/** The smallest whole answers, in either format. */
export function chatReply(wire: Wire, text = "hello back", more: object = {}): Record<string, unknown> {
  return wire === "openai"
    ? {
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 1_700_000_000,
        model: "m",
        choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
        usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
        ...more,
      }
    : {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "m",
        content: [{ type: "text", text }],
        stop_reason: "end_turn",
        stop_sequence: null,
        usage: { input_tokens: 3, output_tokens: 2 },
        ...more,
      };
}

/** Frames of a stream: `data` alone for OpenAI's format, named by their type for Anthropic's. */
export function sse(wire: Wire, events: readonly (Record<string, unknown> | string)[]): string {
  return events
    .map((event) => {
      const data = typeof event === "string" ? event : JSON.stringify(event);
      const name = typeof event === "object" && wire === "anthropic" ? `event: ${String(event.type)}\n` : "";
      return `${name}data: ${data}\n\n`;
    })
    .join("");
}

/** The events of the smallest streamed answers, with the text in as many deltas as there are pieces. */
export function chatEvents(wire: Wire, pieces: readonly string[]): (Record<string, unknown> | string)[] {
  if (wire === "openai") {
    const chunk = (delta: object, finish: string | null): Record<string, unknown> => ({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1_700_000_000,
      model: "m",
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
    return [
      chunk({ role: "assistant", content: "" }, null),
      ...pieces.map((content) => chunk({ content }, null)),
      chunk({}, "stop"),
      { ...chunk({}, null), choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
      "[DONE]",
    ];
  }
  return [
    {
      type: "message_start",
      message: {
        ...chatReply("anthropic"),
        content: [],
        stop_reason: null,
        usage: { input_tokens: 3, output_tokens: 1 },
      },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    ...pieces.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 2 } },
    { type: "message_stop" },
  ];
}
