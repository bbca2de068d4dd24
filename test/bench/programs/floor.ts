// The floor: the least that a gateway on Node's own HTTP server and undici's `request` can do. It parses the request and
// the reply once and forwards the bytes; streams pass through.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Dispatcher } from "undici";
import { Pool } from "undici";
import { ready } from "../../probe.ts";

const [upstream = ""] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: 256, pipelining: 1, keepAliveTimeout: 60_000, bodyTimeout: 0 });
const headers = { "content-type": "application/json", authorization: "Bearer sk-upstream", accept: "application/json" };

type Reply = Dispatcher.ResponseData;

async function answer(bytes: Buffer, response: ServerResponse): Promise<void> {
  const { stream } = JSON.parse(bytes.toString()) as { readonly stream?: boolean };
  const reply = await pool.request({ path: "/v1/chat/completions", method: "POST", headers, body: bytes });
  if (stream === true) forwardStream(reply, response);
  else await forwardWhole(reply, response);
}

async function forwardWhole(reply: Reply, response: ServerResponse): Promise<void> {
  const bytes = Buffer.from(await reply.body.arrayBuffer());
  const { usage } = JSON.parse(bytes.toString()) as { readonly usage?: object };
  if (usage === undefined) throw new Error("the reply has no usage");
  response.writeHead(reply.statusCode, { ...passedHeaders(reply), "content-length": bytes.length });
  response.end(bytes);
}

function forwardStream(reply: Reply, response: ServerResponse): void {
  response.writeHead(reply.statusCode, passedHeaders(reply));
  response.flushHeaders();
  reply.body.on("data", (piece: Buffer) => {
    if (response.write(piece)) return;
    reply.body.pause();
    response.once("drain", () => reply.body.resume());
  });
  reply.body.on("end", () => response.end());
  reply.body.on("error", () => response.destroy());
  response.on("close", () => {
    if (!response.writableFinished) reply.body.destroy();
  });
}

function passedHeaders({ headers: given }: Reply): Record<string, string> {
  return {
    "content-type": String(given["content-type"]),
    "x-request-id": String(given["x-request-id"]),
  };
}

function onRequest(request: IncomingMessage, response: ServerResponse): void {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => {
    const bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    answer(bytes, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502);
      response.end(String(error));
    });
  });
}

const server = createServer({ keepAliveTimeout: 600_000 }, onRequest);
server.listen(0, "127.0.0.1", 4096, () => ready((server.address() as AddressInfo).port));
