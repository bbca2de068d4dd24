import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How an upstream behaves until it is told otherwise. */
export type Mood =
  | "well"
  /** 429 with `retry-after`. */
  | "limited"
  /** 500, 502, 503 and 529 in turn. */
  | "broken"
  /** Takes the request and never answers. */
  | "silent"
  /** Sends the head of its answer, and nothing more. */
  | "mute"
  /** Begins to answer long after everybody's patience. */
  | "late"
  /** Half of the answer, then a connection reset. */
  | "reset"
  /** Closes every connection at once. */
  | "refusing"
  /** Well and broken by turns. */
  | "flapping";

export interface MoodyAnswer {
  /** The words of the whole answer. */
  readonly words: readonly string[];
  /** Between two words of a stream. */
  readonly gapMs: number;
}

const LATE_MS = 5_000;
const FLAP_MS = 150;
const FAILURES = [500, 502, 503, 529] as const;

/**
 * Plays OpenAI (`/v1/chat/completions`) and Anthropic (`/v1/messages`) in any mood. Where a request ends with the
 * beginning of the answer, it goes on from there, as a model does that is asked to continue.
 */
export class MoodyUpstream {
  mood: Mood = "well";
  arrivals = 0;
  readonly #answer: MoodyAnswer;
  readonly #server: Server;
  #failures = 0;

  constructor(answer: MoodyAnswer) {
    this.#answer = answer;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.on("connection", (socket) => {
      if (this.mood === "refusing") socket.resetAndDestroy();
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Another mood: connections of the old one are cut where the new one would not have taken them. */
  change(mood: Mood): void {
    this.mood = mood;
    this.arrivals = 0;
    if (mood === "refusing") this.#server.closeAllConnections();
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => undefined);
    const anthropic = request.url?.startsWith("/v1/messages") === true;
    let text = "";
    for await (const bytes of request) text += String(bytes);
    this.arrivals += 1;
    const body = JSON.parse(text) as AskedFor;
    const ill = this.mood === "flapping" && Math.floor(performance.now() / FLAP_MS) % 2 === 0;
    if (this.mood === "refusing") request.socket.resetAndDestroy();
    else if (this.mood === "limited") fail(response, 429, { "retry-after": "2" });
    else if (this.mood === "broken" || ill) fail(response, FAILURES[this.#failures++ % FAILURES.length] as number);
    else if (this.mood === "silent") await once(response, "close");
    else if (this.mood === "mute") {
      response.writeHead(200, { "content-type": body.stream === true ? "text/event-stream" : "application/json" });
      response.flushHeaders();
      await once(response, "close");
    } else {
      if (this.mood === "late") await sleep(LATE_MS, undefined, { ref: false });
      if (!response.destroyed) await this.#reply(response, anthropic, body);
    }
  }

  async #reply(response: ServerResponse, anthropic: boolean, body: AskedFor): Promise<void> {
    const words = this.#answer.words.slice(saidAlready(body, this.#answer.words));
    const half = this.mood === "reset" ? Math.ceil(words.length / 2) : undefined;
    if (body.stream !== true) {
      const whole = JSON.stringify(anthropic ? message(words) : completion(words));
      response.writeHead(200, { "content-type": "application/json", "content-length": whole.length });
      if (half === undefined) response.end(whole);
      else response.write(whole.slice(0, whole.length / 2), () => response.socket?.resetAndDestroy());
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    const events = anthropic ? messageEvents(words) : completionEvents(words);
    for (const [at, event] of events.entries()) {
      if (half !== undefined && at > half) {
        response.socket?.resetAndDestroy();
        return;
      }
      response.write(event);
      if (this.#answer.gapMs > 0) await sleep(this.#answer.gapMs);
      if (response.destroyed) return;
    }
    response.end();
  }
}

interface AskedFor {
  readonly stream?: boolean;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

function fail(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  const body = JSON.stringify({ error: { message: `out of order: ${status}`, type: "server_error", code: null } });
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body);
}

/** How many words of the answer the last assistant message of the request holds. */
function saidAlready({ messages }: AskedFor, words: readonly string[]): number {
  const said = messages.findLast(({ role }) => role === "assistant");
  if (said === undefined) return 0;
  const text = JSON.stringify(said.content);
  let count = 0;
  while (count < words.length && text.includes(words[count]?.trim() ?? "")) count += 1;
  return count;
}

const OPENAI_USAGE = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 };

function completion(words: readonly string[]): object {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1760000000,
    model: "chaos",
    choices: [{ index: 0, message: { role: "assistant", content: words.join("") }, finish_reason: "stop" }],
    usage: OPENAI_USAGE,
  };
}

function completionEvents(words: readonly string[]): string[] {
  const chunk = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1760000000,
      model: "chaos",
      choices: [{ index: 0, delta, finish_reason: finish }],
    })}\n\n`;
  return [...words.map((content) => chunk({ content }, null)), `${chunk({}, "stop")}data: [DONE]\n\n`];
}

function message(words: readonly string[]): object {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "chaos",
    content: words.length === 0 ? [] : [{ type: "text", text: words.join("") }],
    stop_reason: words.length === 0 ? null : "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 5 },
  };
}

function messageEvents(words: readonly string[]): string[] {
  const event = (data: { readonly type: string; readonly [member: string]: unknown }): string =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  return [
    event({ type: "message_start", message: message([]) }) +
      event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...words.map((text) => event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    event({ type: "content_block_stop", index: 0 }) +
      event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } }) +
      event({ type: "message_stop" }),
  ];
}
