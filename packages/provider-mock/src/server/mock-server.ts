import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { unescape as decodeSegment } from "node:querystring";
import { GatewayError } from "@signalbox/kernel";
import { parseBehaviour } from "../behaviour.ts";
import type { MockOptions, MockSettings } from "../options.ts";
import { mockSettings } from "../options.ts";
import { MODEL_HEADER, Plans } from "../plan.ts";
import { ANTHROPIC_MESSAGES } from "./anthropic-reply.ts";
import { wireError } from "./errors.ts";
import { modelsReply } from "./models.ts";
import { OPENAI_CHAT } from "./openai-reply.ts";
import type { Endpoint } from "./prepare.ts";
import { prepareReply } from "./prepare.ts";
import type { WireReply } from "./wire-reply.ts";
import { errorReply } from "./wire-reply.ts";
import { writeReply } from "./write-reply.ts";

/** Options of `mockServer`. */
export interface MockServerOptions extends MockOptions {
  /** The mock model that answers for names of real models, such as `gpt-5`. Default `echo`. */
  readonly defaultModel?: string;
  /** The only credential that is accepted, as Bearer, `x-api-key` or `api-key`. Default: any, or none. */
  readonly apiKey?: string;
  /** How many requests `requests` keeps, the newest. Default 1000; 0 for load tests. */
  readonly record?: number;
}

/** A request that a mock server received. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The client left before the reply was complete. */
  aborted: boolean;
}

/** The mock models behind HTTP, as a vendor would serve them. */
export interface MockServer {
  /** Port 0, the default, is a free one. `url` has no path: `http://127.0.0.1:49152`. */
  listen(port?: number, host?: string): Promise<{ readonly url: string }>;
  /** Ends running replies. */
  close(): Promise<void>;
  /** The last requests, oldest first. */
  readonly requests: readonly ReceivedRequest[];
  /** How many requests came in. */
  readonly received: number;
}

const ENDPOINTS: readonly (readonly [suffix: string, endpoint: Endpoint])[] = [
  ["/chat/completions", "chat"],
  ["/messages", "messages"],
  ["/messages/count_tokens", "countTokens"],
  ["/embeddings", "embeddings"],
];
const MODELS = /\/models(?:\/([^/]+))?$/;
/** Bodies that are remembered with their replies: load tests send few different ones. */
const MOST_REPLIES = 64;

/**
 * An HTTP server that plays an LLM provider: OpenAI Chat Completions, Embeddings and Models, Anthropic Messages,
 * token counting and Models, under any path prefix. What it does is said by the model's name, or by the request header
 * `x-mock-model`; see `parseBehaviour`. Meant for tests with real clients and for load.
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function mockServer(options: MockServerOptions = {}): MockServer {
  const { defaultModel = "echo", apiKey, record = 1000, ...rest } = options;
  const settings: MockSettings = mockSettings(rest);
  const read = parseBehaviour(defaultModel, settings.scriptNames);
  if ("problem" in read) {
    throw new GatewayError("option_invalid", `mockServer(defaultModel): ${read.problem}`, { source: "mock" });
  }
  const plans = new Plans(settings.scriptNames);
  const requests: ReceivedRequest[] = [];
  const remembered: { readonly key: string; readonly body: Buffer; readonly reply: WireReply }[] = [];
  const server: Server = createServer({ keepAliveTimeout: 60_000 }, onRequest);
  let received = 0;

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const [first] = chunks;
      const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
      received++;
      if (record > 0) keep(request, response, body);
      writeReply(response, replyTo(request, body), `req_mock_${received}`);
    });
  }

  function keep(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { method = "", url = "", headers } = request;
    const entry: ReceivedRequest = { method, path: url, headers, body, aborted: false };
    requests.push(entry);
    if (requests.length > record) requests.shift();
    response.once("close", () => {
      entry.aborted = !response.writableFinished;
    });
  }

  function replyTo(request: IncomingMessage, body: Buffer): WireReply {
    const { url = "", method, headers } = request;
    const path = url.split("?", 1)[0] ?? "";
    const anthropic = headers["anthropic-version"] !== undefined;
    const dialect = anthropic ? ANTHROPIC_MESSAGES : OPENAI_CHAT;
    if (apiKey !== undefined && !authorised(headers, apiKey)) {
      return errorReply(wireError(401, "incorrect API key provided"), dialect, {});
    }
    const models = MODELS.exec(path);
    if (method === "GET" && models !== null) {
      return modelsReply(models[1] === undefined ? undefined : decodeSegment(models[1]), anthropic, settings);
    }
    const endpoint = ENDPOINTS.find(([suffix]) => path.endsWith(suffix))?.[1];
    if (endpoint === undefined) return errorReply(wireError(404, `unknown path ${path}`), dialect, {});
    if (method !== "POST") return errorReply(wireError(405, `${method} is not allowed here`), dialect, {});
    return prepared(endpoint, body, headers);
  }

  function prepared(endpoint: Endpoint, body: Buffer, headers: IncomingHttpHeaders): WireReply {
    const header = headers[MODEL_HEADER] as string | undefined;
    const key = header === undefined ? endpoint : `${endpoint} ${header}`;
    const known = remembered.find((entry) => entry.key === key && entry.body.equals(body));
    if (known !== undefined) return known.reply;
    const { reply, reusable } = prepareReply(endpoint, body, header, settings, plans, defaultModel);
    if (reusable) {
      remembered.push({ key, body, reply });
      if (remembered.length > MOST_REPLIES) remembered.shift();
    }
    return reply;
  }

  return {
    requests,
    get received() {
      return received;
    },
    listen(port = 0, host = "127.0.0.1") {
      const { promise, resolve, reject } = Promise.withResolvers<{ readonly url: string }>();
      server.once("error", reject);
      server.listen(port, host, () => {
        const { port: actual } = server.address() as AddressInfo;
        resolve({ url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}` });
      });
      return promise;
    },
    close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      return promise;
    },
  };
}

function authorised(headers: IncomingHttpHeaders, apiKey: string): boolean {
  return (
    headers.authorization === `Bearer ${apiKey}` || headers["x-api-key"] === apiKey || headers["api-key"] === apiKey
  );
}
