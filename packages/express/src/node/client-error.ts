import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { GatewayError } from "@signalbox/kernel";
import { contractError } from "@signalbox/kernel/http";
import { STATUS_CODES } from "./node-http.ts";

interface HttpSocket extends Duplex {
  /** Node's own note of the response that this connection is busy with. */
  readonly _httpMessage?: ServerResponse | null;
}

/** Answers what Node's parser refuses, in the error contract's form instead of an empty body. */
export function answerClientError(failure: NodeJS.ErrnoException, socket: Duplex): void {
  const response = (socket as HttpSocket)._httpMessage;
  // what follows a whole request is not that request's fault, and bytes in the middle of an answer would be part of it
  const busy = response != null && (response.headersSent || response.req.complete);
  if (failure.code === "ECONNRESET" || !socket.writable || busy) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = contractError(parserError(failure.code));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}`,
    "connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

function parserError(code: string | undefined): GatewayError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new GatewayError("headers_too_large", "the head of the request is too large");
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new GatewayError("request_too_large", "the chunk extensions of the request are too large");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new GatewayError("request_timeout", "the request did not arrive in time");
    default:
      return new GatewayError("invalid_request", "the request is not valid HTTP");
  }
}
