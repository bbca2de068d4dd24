// The floor of a cache: node:http that parses the request and answers with bytes that it always has.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ready } from "../../probe.ts";
import { openaiReply } from "../wire.ts";

const bytes = Buffer.from(openaiReply());

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => {
    const { model } = JSON.parse(Buffer.concat(pieces).toString()) as { readonly model?: string };
    if (model === undefined) throw new Error("the request has no model");
    response.writeHead(200, { "content-type": "application/json", "content-length": bytes.length });
    response.end(bytes);
  });
});
server.listen(0, "127.0.0.1", 4096, () => ready((server.address() as AddressInfo).port));
