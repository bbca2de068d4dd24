import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Delivery, Exchange, Fault } from "./exchange.ts";
import { cutBody, exchangeBody, exchangeContentType } from "./exchange.ts";

/** A request that arrived. */
export interface SentRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values as they came. */
  readonly rawHeaders: readonly string[];
  /** As text; `bytes` has what was sent. */
  readonly body: string;
  readonly bytes: Buffer;
  /** Resolves when the exchange is over: everything was sent, or the client hung up first. */
  readonly ended: Promise<"answered" | "clientClosed">;
}

/** Answers the n-th request, counted from 0. */
export type ReplayHandler = (request: SentRequest, index: number) => Exchange | Promise<Exchange>;

/** How a replay server delivers its replies. */
export interface ReplayServerOptions {
  /** Default `recorded`: the recorded pieces where there are any, else whole. */
  readonly delivery?: Delivery;
  /** For every reply that has no fault of its own. */
  readonly fault?: Fault;
}

/** A vendor on loopback that answers what it was given, and keeps what it was sent. */
export interface ReplayServer {
  /** `http://127.0.0.1:<port>`, no slash at the end. */
  readonly url: string;
  /** In order of arrival, each as soon as its body is complete. */
  readonly sent: readonly SentRequest[];
  /** Connections that clients hold open. */
  readonly openSockets: number;
  /** Connections ever made. */
  readonly connections: number;
  /** The n-th request, counted from 0, as soon as it is there. */
  received(index: number): Promise<SentRequest>;
  /** Cuts all connections and frees the port. Idempotent. */
  close(): Promise<void>;
}

const OWN_HEADERS: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "connection", "content-type"]);

/**
 * A loopback upstream that answers with recorded or written exchanges, cut and broken as asked.
 *
 * One exchange answers every request. A list is used up in order; a request too many gets status 501.
 * A function decides by request.
 */
export async function replayServer(
  exchanges: Exchange | readonly Exchange[] | ReplayHandler,
  options: ReplayServerOptions = {},
): Promise<ReplayServer> {
  const handler = toHandler(exchanges);
  const sent: SentRequest[] = [];
  const sockets = new Set<Socket>();
  const waiting: { readonly index: number; readonly resolve: (request: SentRequest) => void }[] = [];
  let connections = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const ended = new Promise<"answered" | "clientClosed">((resolve) => {
      response.once("close", () => resolve(response.writableFinished ? "answered" : "clientClosed"));
    });
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const bytes = Buffer.concat(pieces);
    const arrived: SentRequest = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: bytes.toString(),
      bytes,
      ended,
    };
    const index = sent.push(arrived) - 1;
    for (const wait of waiting) if (wait.index === index) wait.resolve(arrived);
    await deliver(await handler(arrived, index), response, options);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((failure: unknown) => {
      if (response.destroyed) return;
      // The client left while it was sending, or the test's own handler failed: the second must be seen.
      if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      response.end(`replay server: ${String(failure)}`);
    });
  });
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    get openSockets() {
      return sockets.size;
    },
    get connections() {
      return connections;
    },
    received(index) {
      const there = sent[index];
      if (there !== undefined) return Promise.resolve(there);
      return new Promise((resolve) => waiting.push({ index, resolve }));
    },
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
    },
  };
}

/** Below the ports that systems give out by themselves: no other server of a test run gets one of these meanwhile. */
const LOW_PORTS = { from: 10_000, count: 20_000 };

/** An address at which nobody listens: connections are refused. */
export async function refusedUrl(): Promise<string> {
  for (;;) {
    const port = LOW_PORTS.from + Math.floor(Math.random() * LOW_PORTS.count);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return `http://127.0.0.1:${port}`;
  }
}

function toHandler(exchanges: Exchange | readonly Exchange[] | ReplayHandler): ReplayHandler {
  if (typeof exchanges === "function") return exchanges;
  if (!isList(exchanges)) return () => exchanges;
  return (_request, index) =>
    exchanges[index] ?? {
      status: 501,
      contentType: "text/plain",
      bodyText: `replay server: request ${index + 1} came, but there are only ${exchanges.length} exchanges`,
    };
}

function isList(exchanges: Exchange | readonly Exchange[]): exchanges is readonly Exchange[] {
  return Array.isArray(exchanges);
}

async function deliver(exchange: Exchange, response: ServerResponse, options: ReplayServerOptions): Promise<void> {
  const whole = exchangeBody(exchange);
  const fault = exchange.fault ?? options.fault;
  const body = fault === undefined ? whole : spoil(whole, fault, exchangeContentType(exchange));
  const delivery = exchange.delivery ?? options.delivery ?? "recorded";
  // A fault moves the cuts, so the recorded ones no longer fit.
  const pieces = cutBody(body, delivery, fault === undefined ? exchange.chunks : undefined);

  if (exchange.headersDelayMs !== undefined && !(await wait(exchange.headersDelayMs, response))) return;
  const headers: Record<string, string> = { "content-type": exchangeContentType(exchange) };
  for (const [name, value] of Object.entries(exchange.headers ?? {})) {
    if (!OWN_HEADERS.has(name.toLowerCase())) headers[name] = value;
  }
  const atOnce = fault === undefined && pieces.length <= 1;
  if (atOnce || fault?.type === "truncate") headers["content-length"] = String(whole.length);
  response.writeHead(exchange.status ?? 200, headers);
  if (atOnce) {
    response.end(pieces[0]);
    return;
  }
  response.flushHeaders();

  for (const [index, piece] of pieces.entries()) {
    if (index > 0 && exchange.pauseMs !== undefined && !(await wait(exchange.pauseMs, response))) return;
    if (!(await write(piece, response))) return;
  }
  switch (fault?.type) {
    case "stall":
      return;
    case "reset":
      await delay(FLUSH_MS);
      response.socket?.resetAndDestroy();
      return;
    case "truncate":
      response.socket?.end();
      return;
    default:
      response.end();
  }
}

/** Time for the last piece to reach the client before the reset overtakes it. */
const FLUSH_MS = 10;

function spoil(body: Buffer, fault: Fault, contentType: string): Buffer {
  const at = Math.min(fault.afterBytes ?? Math.floor(body.length / 2), body.length);
  if (fault.type !== "malformed") return body.subarray(0, at);
  const sse = contentType.includes("event-stream");
  const bytes = fault.bytes ?? (sse ? '\n\ndata: {"broken": \n\n' : '\n{"broken": \n');
  return Buffer.concat([body.subarray(0, at), Buffer.from(bytes), body.subarray(at)]);
}

/** One piece on the wire, in a turn of the event loop of its own, so that a client in this process reads it alone. */
async function write(piece: Buffer, response: ServerResponse): Promise<boolean> {
  if (response.destroyed) return false;
  if (!response.write(piece)) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off("drain", done);
        response.off("close", done);
        resolve();
      };
      response.on("drain", done);
      response.on("close", done);
    });
  }
  await nextTurn();
  return !response.destroyed;
}

/** False when the client has left meanwhile. */
async function wait(milliseconds: number, response: ServerResponse): Promise<boolean> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  response.once("close", leave);
  try {
    await delay(milliseconds, undefined, { signal: left.signal });
    return !response.destroyed;
  } catch {
    return false; // only the client's leaving aborts the wait
  } finally {
    response.off("close", leave);
  }
}
