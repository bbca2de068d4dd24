import type { Socket } from "node:net";
import { connect } from "node:net";

/** Bytes over a plain socket: for what an HTTP client would not send. */
export class RawClient {
  readonly socket: Socket;
  received = "";
  closed = false;

  constructor(url: string) {
    this.socket = connect(Number(new URL(url).port), "127.0.0.1");
    this.socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
    });
  }

  write(text: string): this {
    this.socket.write(text, "latin1");
    return this;
  }

  /** Status codes of the answers so far. */
  statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
  }

  async until(done: (client: RawClient) => boolean, limitMs: number = 5_000): Promise<void> {
    await until(
      () => done(this),
      limitMs,
      () => `received so far: ${JSON.stringify(this.received)}`,
    );
  }
}

export async function until(
  done: () => boolean,
  limitMs: number = 5_000,
  context: () => string = () => "",
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!done()) {
    if (performance.now() > end) throw new Error(`nothing happened within ${limitMs} ms. ${context()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A whole POST request as text. */
export function post(path: string, body: string, headers: readonly string[] = []): string {
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: gateway.test",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
