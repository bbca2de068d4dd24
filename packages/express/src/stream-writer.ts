import type { OpenCall, OperationName, ReplyEncoder } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Exchange } from "./exchange.ts";
import { replyHeaders } from "./reply-headers.ts";
import { publicError, sendError } from "./send-error.ts";
import { limitTail } from "./send-reply.ts";

const FLUSH_BYTES = 16 * 1024;

/** Ready for servers and proxies in between: nothing may be kept back, compressed or stored. */
const STREAM_HEADERS = ["cache-control", "no-cache, no-transform", "x-accel-buffering", "no"];
const EVENT_STREAM = ["content-type", "text/event-stream; charset=utf-8"];

/**
 * Writes the events of a reply as they happen. Events that are ready in the same turn of the event loop leave in one
 * piece; a reader that does not keep up pauses the reply.
 */
export class StreamWriter {
  readonly #exchange: Exchange;
  readonly #open: OpenCall<OperationName>;
  readonly #encoder: ReplyEncoder<OperationName>;
  readonly #heartbeat: NodeJS.Timeout | undefined;
  #pending: Buffer | string | undefined;

  constructor(exchange: Exchange, open: OpenCall<OperationName>, encoder: ReplyEncoder<OperationName>) {
    this.#exchange = exchange;
    this.#open = open;
    this.#encoder = encoder;
    const { earlyHeartbeat, heartbeatMs } = exchange.surface.settings;
    if (heartbeatMs > 0 && encoder.heartbeat !== "") {
      this.#heartbeat = setInterval(beat, heartbeatMs, this, earlyHeartbeat);
    }
  }

  /** Never rejects: a failure is told to the client. */
  async run(): Promise<void> {
    const { reply } = this.#open;
    let done = false;
    let begun = false;
    try {
      let step = await reply.next();
      const eventsSeen = step.done !== true;
      if (!this.#exchange.response.headersSent) this.#begin();
      while (step.done !== true) {
        const piece = this.#encoder.event(step.value as never);
        if (piece !== undefined && piece.length > 0) this.#add(piece);
        // the head leaves with the first bytes, or alone when the first event has none
        else if (!begun) this.#exchange.response.flushHeaders();
        begun = true;
        if (this.#exchange.response.writableNeedDrain) await this.#drained();
        step = await reply.next();
      }
      done = true;
      const last = this.#encoder.end(step.value as never, eventsSeen);
      const { comments } = this.#open.call.trace;
      this.#end(comments === undefined || comments.length === 0 ? last : this.#commented(last, comments));
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      clearInterval(this.#heartbeat);
      // a reply that failed has closed itself; one that we left has not
      if (!done) await this.#close();
    }
  }

  flush(): void {
    const piece = this.#pending;
    if (piece === undefined) return;
    this.#pending = undefined;
    if (this.#exchange.closed) return;
    this.#exchange.response.write(piece);
    this.#heartbeat?.refresh();
  }

  /** Silence: says that the connection lives. Before the first event this commits the response to its status. */
  beat(early: boolean): void {
    const { response, closed } = this.#exchange;
    if (closed || response.destroyed || response.writableNeedDrain) return;
    if (!response.headersSent) {
      if (!early) return;
      this.#begin();
    }
    response.write(this.#encoder.heartbeat);
  }

  #begin(): void {
    const { response } = this.#exchange;
    const { headers: own } = this.#encoder;
    const headers = replyHeaders(this.#exchange);
    headers.push(...STREAM_HEADERS);
    if (own?.["content-type"] === undefined) headers.push(...EVENT_STREAM);
    for (const name in own) headers.push(name, own[name] as string);
    response.writeHead(200, headers);
  }

  #add(piece: Buffer | string): void {
    const before = this.#pending;
    if (before === undefined) {
      this.#pending = piece;
      // after everything that is ready now, and before the event loop turns
      process.nextTick(flush, this);
    } else if (typeof before === "string" && typeof piece === "string") {
      this.#pending = before + piece;
    } else {
      this.flush();
      this.#pending = piece;
      process.nextTick(flush, this);
    }
    if ((this.#pending?.length ?? 0) >= FLUSH_BYTES) this.flush();
  }

  async #drained(): Promise<void> {
    await this.#exchange.drained();
    if (this.#exchange.closed) throw new GatewayError("client_closed", "the client closed the connection");
  }

  /** Comments are lines of server-sent events; another kind of stream has none. */
  #commented(last: Buffer | string, comments: readonly string[]): Buffer | string {
    if (this.#encoder.headers?.["content-type"] !== undefined) return last;
    const lines = comments.map((text) => `: ${text}\n\n`).join("");
    return typeof last === "string" ? last + lines : Buffer.concat([last, Buffer.from(lines)]);
  }

  #end(last: Buffer | string): void {
    const { response, closed } = this.#exchange;
    if (closed || response.destroyed) return;
    const before = this.#pending;
    this.#pending = undefined;
    if (typeof before === "string" && typeof last === "string") response.end(before + last);
    else {
      if (before !== undefined) response.write(before);
      response.end(last);
    }
    if (response.writableNeedDrain || response.writableLength > FLUSH_BYTES) limitTail(this.#exchange);
  }

  #fail(thrown: unknown): void {
    const { response, closed } = this.#exchange;
    if (!response.headersSent || closed || response.destroyed) sendError(this.#exchange, thrown);
    else this.#end(this.#encoder.error(publicError(this.#exchange, thrown)));
  }

  async #close(): Promise<void> {
    this.#open.cancel();
    try {
      await this.#open.reply.return(undefined as never);
    } catch (thrown) {
      // the client has its answer; the operator still learns of a bug in the way out
      publicError(this.#exchange, thrown);
    }
  }
}

function flush(writer: StreamWriter): void {
  writer.flush();
}

function beat(writer: StreamWriter, early: boolean): void {
  writer.beat(early);
}
