import type { Socket } from "node:net";
import { connect } from "node:net";

/** What happened on one connection, reported as it happens. */
export interface LoadObserver {
  /** The first bytes of a streamed body are there. */
  firstChunk(afterMs: number): void;
  /** A reply is complete. `chunks` counts server-sent events; 0 for a reply that is not streamed. */
  reply(afterMs: number, chunks: number): void;
  /** Not a reply with status 200, or the connection broke. */
  failed(reason: string): void;
}

const BUFFER_BYTES = 64 * 1024;
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CLOSE = /\r\nconnection: *close/i;
const DATA = "data: ";
const LAST = "0\r\n\r\n";

/**
 * A keep-alive connection that sends the same request again as soon as the reply is there. It reads just enough of a
 * reply to know its end, so that the load costs less than what it measures.
 */
export class LoadConnection {
  readonly #port: number;
  readonly #request: Buffer;
  readonly #observer: LoadObserver;
  #socket: Socket | undefined;
  #sentAt = 0;
  #head = "";
  #inBody = false;
  /** Bytes of the body still to come; undefined for a chunked body. */
  #left: number | undefined;
  #streamed = false;
  #chunks = 0;
  #tail = "";
  /** The server closes the connection after this reply: servers limit the number of requests per connection. */
  #last = false;
  #stopped = false;

  constructor(port: number, request: Buffer, observer: LoadObserver) {
    this.#port = port;
    this.#request = request;
    this.#observer = observer;
  }

  start(): void {
    const socket = connect({
      host: "127.0.0.1",
      port: this.#port,
      noDelay: true,
      onread: {
        // one buffer for the whole life of the connection
        buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES),
        callback: (size, buffer) => {
          this.#read((buffer as Buffer).subarray(0, size));
          return true;
        },
      },
    });
    this.#socket = socket;
    this.#last = false;
    socket.on("connect", () => this.#send());
    socket.on("error", (error) => this.#fail(socket, error.message));
    socket.on("close", () => this.#fail(socket, "the connection was closed"));
  }

  /** Leaves at once, whatever is on its way. */
  stop(): void {
    this.#stopped = true;
    this.#socket?.destroy();
  }

  #send(): void {
    this.#head = "";
    this.#inBody = false;
    this.#chunks = 0;
    this.#tail = "";
    this.#sentAt = performance.now();
    this.#socket?.write(this.#request);
  }

  #read(bytes: Buffer): void {
    if (this.#inBody) {
      this.#body(bytes);
      return;
    }
    const before = this.#head.length;
    this.#head += bytes.toString("latin1");
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) return;
    if (!this.#head.startsWith("HTTP/1.1 200")) {
      this.#fail(this.#socket, this.#head.slice(0, 300));
      return;
    }
    const head = this.#head.slice(0, end);
    const length = LENGTH.exec(head);
    this.#left = length === null ? undefined : Number(length[1]);
    this.#last = CLOSE.test(head);
    this.#streamed = head.includes("text/event-stream");
    this.#inBody = true;
    const body = bytes.subarray(end + 4 - before);
    if (body.length > 0) this.#body(body);
  }

  #body(bytes: Buffer): void {
    if (this.#streamed) {
      if (this.#tail === "") this.#observer.firstChunk(performance.now() - this.#sentAt);
      this.#count(bytes);
    }
    if (this.#left !== undefined) {
      this.#left -= bytes.length;
      if (this.#left === 0) this.#done();
      return;
    }
    const tail =
      bytes.length >= LAST.length ? bytes.toString("latin1", bytes.length - LAST.length) : bytes.toString("latin1");
    this.#tail = (this.#tail + tail).slice(-LAST.length);
    if (this.#tail === LAST) this.#done();
  }

  /** Counts events, also one whose first bytes came with the piece before. */
  #count(bytes: Buffer): void {
    if (this.#tail !== "") {
      const seam = this.#tail + bytes.toString("latin1", 0, DATA.length - 1);
      if (seam.includes(DATA)) this.#chunks += 1;
    }
    for (let at = bytes.indexOf(DATA); at >= 0; at = bytes.indexOf(DATA, at + DATA.length)) this.#chunks += 1;
  }

  #done(): void {
    this.#observer.reply(performance.now() - this.#sentAt, this.#chunks);
    if (this.#stopped) return;
    if (!this.#last) {
      this.#send();
      return;
    }
    this.#socket?.destroy();
    this.start();
  }

  #fail(socket: Socket | undefined, reason: string): void {
    if (this.#stopped || socket !== this.#socket) return;
    this.stop();
    this.#observer.failed(reason);
  }
}
