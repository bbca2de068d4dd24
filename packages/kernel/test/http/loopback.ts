import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import { createServer } from "node:net";

export interface Loopback {
  readonly origin: string;
  /** Open connections, as the server sees them. */
  readonly sockets: Set<Socket>;
  /** Connections accepted so far. */
  accepted: number;
  close(): Promise<void>;
}

async function listen(server: Server | NetServer): Promise<Loopback> {
  const sockets = new Set<Socket>();
  const loopback: Loopback = {
    origin: "",
    sockets,
    accepted: 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  server.on("connection", (socket: Socket) => {
    loopback.accepted++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(loopback, { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** An HTTP server on a free port. */
export function httpServer(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Loopback> {
  return listen(createHttpServer({ keepAliveTimeout: 30_000 }, handler));
}

/** A TCP server that gets the bytes as they come. */
export function rawServer(handler: (socket: Socket, head: string) => void): Promise<Loopback> {
  return listen(
    createServer((socket) => socket.on("data", (bytes: Buffer) => handler(socket, bytes.toString("latin1")))),
  );
}

/** Resolves when the condition holds; fails after two seconds. */
export async function until(condition: () => boolean, limitMs = 2000): Promise<number> {
  const startedAt = performance.now();
  while (!condition()) {
    if (performance.now() - startedAt > limitMs) throw new Error("the condition was not met in time");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return performance.now() - startedAt;
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}
