import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";

/** One request at the upstream. */
export interface Exchange {
  readonly id: string;
  readonly arrivedAt: number;
  /** When the reply was written to its end. */
  completedAt?: number;
  /** When the connection closed in the middle. */
  cutAt?: number;
}

/** How fast the upstream answers. */
export interface UpstreamPace {
  /** Before the head of a stream, and before a whole reply. */
  readonly waitMs: number;
  readonly chunks: number;
  readonly gapMs: number;
}

const LENGTH = /\r\ncontent-length: *(\d+)/i;
const ID = /exchange-\d+/;

/** Plays OpenAI and Anthropic slowly, and knows to the millisecond when a request was abandoned. */
export class SlowUpstream {
  readonly #server: Server;
  readonly #pace: UpstreamPace;
  readonly #exchanges: Map<string, Exchange> = new Map();
  readonly #sockets: Set<Socket> = new Set();
  readonly #busy: Set<Socket> = new Set();

  constructor(pace: UpstreamPace) {
    this.#pace = pace;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections in the middle of a reply. */
  get busyConnections(): number {
    return this.#busy.size;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** The request whose text holds this id, once it has arrived. */
  exchange(id: string): Exchange | undefined {
    return this.#exchanges.get(id);
  }

  forget(): void {
    this.#exchanges.clear();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    let received = "";
    let current: Exchange | undefined;
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#busy.delete(socket);
      if (current !== undefined) current.cutAt = performance.now();
    });
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      const headEnd = received.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const bodyEnd = headEnd + 4 + Number(LENGTH.exec(received.slice(0, headEnd))?.[1] ?? 0);
      if (received.length < bodyEnd) return;
      const head = received.slice(0, headEnd);
      const body = received.slice(headEnd + 4, bodyEnd);
      received = received.slice(bodyEnd);
      const exchange: Exchange = { id: ID.exec(body)?.[0] ?? "", arrivedAt: performance.now() };
      current = exchange;
      this.#exchanges.set(exchange.id, exchange);
      this.#busy.add(socket);
      this.#reply(socket, head.startsWith("POST /v1/messages"), body.includes('"stream":true'), () => {
        exchange.completedAt = performance.now();
        current = undefined;
        this.#busy.delete(socket);
      });
    });
  }

  #reply(socket: Socket, anthropic: boolean, streamed: boolean, done: () => void): void {
    const { waitMs, chunks, gapMs } = this.#pace;
    const pieces = streamed ? streamPieces(anthropic, chunks) : [wholeReply(anthropic)];
    let at = 0;
    const next = (): void => {
      if (socket.destroyed) return;
      socket.write(pieces[at++] as string);
      if (at < pieces.length) setTimeout(next, gapMs);
      else done();
    };
    setTimeout(next, waitMs);
  }
}

const USAGE = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 };

function wholeReply(anthropic: boolean): string {
  const body = JSON.stringify(
    anthropic
      ? { ...anthropicMessage(), content: [{ type: "text", text: "late" }], stop_reason: "end_turn" }
      : {
          id: "chatcmpl-slow",
          object: "chat.completion",
          created: 1760000000,
          model: "chaos",
          choices: [{ index: 0, message: { role: "assistant", content: "late" }, finish_reason: "stop" }],
          usage: USAGE,
        },
  );
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

function streamPieces(anthropic: boolean, chunks: number): string[] {
  const texts = Array.from({ length: chunks }, (_, index) => `word ${index} `);
  const events = anthropic ? anthropicEvents(texts) : openaiEvents(texts);
  const pieces = events.map((event) => `${event.length.toString(16)}\r\n${event}\r\n`);
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
  return [head + pieces[0], ...pieces.slice(1, -1), `${pieces.at(-1)}0\r\n\r\n`];
}

function openaiEvents(texts: readonly string[]): string[] {
  const chunk = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({
      id: "chatcmpl-slow",
      object: "chat.completion.chunk",
      created: 1760000000,
      model: "chaos",
      choices: [{ index: 0, delta, finish_reason: finish }],
    })}\n\n`;
  return [...texts.map((content) => chunk({ content }, null)), `${chunk({}, "stop")}data: [DONE]\n\n`];
}

function anthropicMessage(): object {
  return {
    id: "msg_slow",
    type: "message",
    role: "assistant",
    model: "chaos",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 5 },
  };
}

function anthropicEvents(texts: readonly string[]): string[] {
  const event = (data: { readonly type: string; readonly [member: string]: unknown }): string =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  return [
    event({ type: "message_start", message: anthropicMessage() }) +
      event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...texts.map((text) => event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    event({ type: "content_block_stop", index: 0 }) +
      event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } }) +
      event({ type: "message_stop" }),
  ];
}
