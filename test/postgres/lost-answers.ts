import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

const READY = Buffer.from([0x5a, 0, 0, 0, 5]);

/** Stands before a server and, once told, cuts a connection after the server has done its work and before it can say so. */
export class LostAnswers {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** A request with this text in it gets no answer. */
  #about: string | undefined;
  /** How many answers were lost. */
  lost = 0;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async before(url: string): Promise<LostAnswers> {
    const target = new URL(url);
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const here = new URL(url);
    here.port = String((server.address() as AddressInfo).port);
    const proxy = new LostAnswers(server, here.href);
    server.on("connection", (near) => proxy.#serve(near, Number(target.port)));
    return proxy;
  }

  /** The answer to the next request with this text in it is lost. */
  loseOne(about: string): void {
    this.#about = about;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(near: Socket, port: number): void {
    const far = connect({ port, host: "127.0.0.1", noDelay: true });
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        near.destroy();
        far.destroy();
      });
    }
    let losing = false;
    near.on("data", (bytes) => {
      if (this.#about !== undefined && bytes.includes(this.#about)) {
        this.#about = undefined;
        losing = true;
      }
      far.write(bytes);
    });
    far.on("data", (bytes) => {
      if (!losing) near.write(bytes);
      // ready for the next query (`Z`): a statement outside a transaction is committed by then
      else if (bytes.includes(READY)) {
        this.lost++;
        near.resetAndDestroy();
      }
    });
  }
}
