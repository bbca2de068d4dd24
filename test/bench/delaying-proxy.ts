import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";

/** A proxy in front of Redis. Everything that Redis answers arrives so much later: whoever waits for it shows it. */
export class DelayingProxy {
  readonly url: string;
  /** Milliseconds. */
  delayMs = 0;
  readonly #close: () => void;

  private constructor(url: string, close: () => void) {
    this.url = url;
    this.#close = close;
  }

  static async open(redis: string): Promise<DelayingProxy> {
    const { hostname, port } = new URL(redis);
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (client) => {
      const upstream = connect({ port: Number(port || 6_379), host: hostname, noDelay: true });
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(socket);
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          sockets.delete(socket);
          other.destroy();
        });
      }
      client.on("data", (bytes: Buffer) => upstream.write(bytes));
      upstream.on("data", (bytes: Buffer) => setTimeout(() => client.write(bytes), proxy.delayMs));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const own = new URL(redis);
    own.hostname = "127.0.0.1";
    own.port = String((server.address() as AddressInfo).port);
    const proxy = new DelayingProxy(own.href, () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return proxy;
  }

  close(): void {
    this.#close();
  }
}
