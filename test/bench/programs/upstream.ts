// Plays the providers: answers OpenAI Chat Completions and Anthropic Messages from prepared buffers, on bare sockets, so
// that it is never what is measured. A request for it is streamed at one chunk per 10 ms.
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { ready } from "../../probe.ts";
import { anthropicReply, anthropicStream, openaiReply, openaiStream, SLOWLY } from "../wire.ts";

const GAP_MS = 10;
const LENGTH = /\r\ncontent-length: *(\d+)/i;

interface Wire {
  readonly whole: Buffer;
  readonly head: Buffer;
  readonly pieces: readonly Buffer[];
}

function wire(reply: string, stream: readonly string[]): Wire {
  const common = "HTTP/1.1 200 OK\r\nx-request-id: req_0123456789abcdef\r\n";
  const pieces = stream.map((text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
  pieces.push(`${pieces.pop()}0\r\n\r\n`);
  return {
    whole: Buffer.from(
      `${common}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(reply)}\r\n\r\n${reply}`,
    ),
    head: Buffer.from(
      `${common}content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n` +
        "transfer-encoding: chunked\r\n\r\n",
    ),
    pieces: pieces.map((piece) => Buffer.from(piece)),
  };
}

const openai = wire(openaiReply(), openaiStream());
const anthropic = wire(anthropicReply(), anthropicStream());

function respond(socket: Socket, head: string, body: string): void {
  const { whole, head: streamHead, pieces } = head.startsWith("POST /v1/messages") ? anthropic : openai;
  if (!body.includes('"stream":true')) {
    socket.write(whole);
    return;
  }
  const paced = body.includes(SLOWLY);
  let at = 0;
  const next = (): void => {
    if (socket.destroyed) return;
    const free = socket.write(pieces[at++] as Buffer);
    if (at === pieces.length) return;
    if (paced) setTimeout(next, GAP_MS);
    else if (free) setImmediate(next);
    else socket.once("drain", next);
  };
  socket.write(streamHead);
  next();
}

const server = createServer({ noDelay: true }, (socket) => {
  let received = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    received = received === "" ? bytes.toString("latin1") : received + bytes.toString("latin1");
    for (;;) {
      const headEnd = received.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = received.slice(0, headEnd);
      const length = LENGTH.exec(head);
      let bodyEnd = headEnd + 4 + Number(length?.[1] ?? 0);
      if (length === null && /\r\ntransfer-encoding: *chunked/i.test(head)) {
        const last = received.indexOf("0\r\n\r\n", headEnd + 4);
        bodyEnd = last < 0 ? Number.POSITIVE_INFINITY : last + 5;
      }
      if (received.length < bodyEnd) return;
      const body = received.slice(headEnd + 4, bodyEnd);
      received = received.slice(bodyEnd);
      respond(socket, head, body);
    }
  });
});
server.listen(0, "127.0.0.1", 4096, () => ready((server.address() as AddressInfo).port));
