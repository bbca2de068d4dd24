import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

/** What happens to what passes: nothing, everything is late, nothing gets through, or every connection is cut. */
export type Fault = "none" | "late" | "hole" | "cut";

const LATE_MS = 150;

/** Stands between a gateway and a server, and spoils the connection on demand. */
export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs: Set<readonly [Socket, Socket]> = new Set();
  #fault: Fault = "none";

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(target: number): Promise<FaultProxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new FaultProxy(server);
    server.on("connection", (socket) => proxy.#serve(socket, target));
    return proxy;
  }

  /** From now on. `cut` ends what is connected at once, and refuses until the next change. */
  set(fault: Fault): void {
    this.#fault = fault;
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        if (fault === "cut") socket.resetAndDestroy();
        else if (fault === "hole") socket.pause();
        else socket.resume();
      }
    }
  }

  close(): void {
    this.set("cut");
    this.#server.close();
  }

  #serve(near: Socket, target: number): void {
    near.on("error", () => undefined);
    if (this.#fault === "cut") {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: target, host: "127.0.0.1", noDelay: true });
    far.on("error", () => undefined);
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    this.#pass(near, far);
    this.#pass(far, near);
    if (this.#fault === "hole") for (const socket of pair) socket.pause();
    for (const socket of pair) {
      socket.on("close", () => {
        this.#pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
  }

  #pass(from: Socket, to: Socket): void {
    // timers of one length keep their order, and so do pieces that are late; what comes after them waits for them
    let late = 0;
    from.on("data", (piece: Buffer) => {
      if (this.#fault !== "late" && late === 0) {
        to.write(piece);
        return;
      }
      late++;
      setTimeout(() => {
        late--;
        if (!to.destroyed) to.write(piece);
      }, LATE_MS);
    });
  }
}
