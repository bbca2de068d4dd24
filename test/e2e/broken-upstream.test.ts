import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Deployment } from "@signalbox/kernel";
import { Secret } from "@signalbox/kernel";
import type { Exchange, SentRequest } from "@signalbox/kernel/testkit";
import { refusedUrl } from "@signalbox/kernel/testkit";
import { dataLines, readChat } from "../replay/read-chat.ts";
import type { ScriptedGateway, Wire, WireReply } from "./scripted-gateway.ts";
import {
  CHAT_PATHS,
  chatBody,
  chatEvents,
  chatReply,
  scriptedGateway,
  sse,
  UPSTREAM_KEY,
  WIRES,
} from "./scripted-gateway.ts";

const LIMIT_MS = 400;
/** No reply may take longer: the limit of one attempt, the coarse timers of the HTTP client, and a busy machine. */
const BOUND_MS = 8_000;

let gateway: ScriptedGateway;
let rude: Server;
const sockets = new Set<Socket>();

/** What goes wrong is said by the model's name. */
function answer(request: SentRequest): Exchange {
  const wire: Wire = request.path.includes("/o/") ? "openai" : "anthropic";
  const { model, stream } = JSON.parse(request.body);
  if (request.path.startsWith("/good/")) return good(wire, stream === true);
  const fault = (stream === true ? STREAM_FAULTS[model] : undefined) ?? FAULTS[model];
  if (fault === undefined) throw new Error(`no fault is called ${model}`);
  return fault(wire);
}

function good(wire: Wire, stream: boolean): Exchange {
  return stream ? { bodyText: sse(wire, chatEvents(wire, ["all ", "good"])) } : { body: chatReply(wire, "all good") };
}

type Faults = Readonly<Record<string, (wire: Wire) => Exchange>>;

const errorBody = { type: "error", error: { type: "server_error", message: "the engine is on fire", code: null } };
const streamed = (wire: Wire): string => sse(wire, chatEvents(wire, ["one ", "two ", "three ", "four"]));
const EVENTS = "text/event-stream";

/** Before the first event: another deployment may answer. */
const FAULTS: Faults = {
  html: () => ({ contentType: "text/html", bodyText: "<html><body>Welcome to nginx</body></html>" }),
  "html-502": () => ({ status: 502, contentType: "text/html", bodyText: "<html><h1>502 Bad Gateway</h1></html>" }),
  nothing: () => ({ contentType: "application/json", bodyText: "" }),
  "half-json": (wire) => ({ body: chatReply(wire), fault: { type: "end" } }),
  truncated: (wire) => ({ body: chatReply(wire), fault: { type: "truncate" } }),
  reset: (wire) => ({ body: chatReply(wire), fault: { type: "reset" } }),
  "error-200": () => ({ body: errorBody }),
  "other-json": () => ({ body: { status: "ok" } }),
  list: () => ({ body: [] }),
  null: () => ({ body: null }),
  "no-content": () => ({ status: 204 }),
  redirect: () => ({ status: 302, headers: { location: "http://169.254.169.254/latest" }, bodyText: "" }),
  "slow-head": (wire) => ({ body: chatReply(wire), headersDelayMs: 30_000 }),
  stall: (wire) => ({ body: chatReply(wire), fault: { type: "stall" } }),
  text: () => ({ contentType: "text/plain", bodyText: "upstream says hi" }),
  "endless-line": () => ({ contentType: "application/json", bodyText: "x".repeat(6 * 1024 * 1024) }),
  "bad-gzip": () => ({
    contentType: "application/json",
    headers: { "content-encoding": "gzip" },
    bodyText: "this is not gzip",
  }),
  "twice-gzip": (wire) => ({
    contentType: "application/json",
    headers: { "content-encoding": "gzip, gzip" },
    bodyBase64: gzipSync(gzipSync(JSON.stringify(chatReply(wire)))).toString("base64"),
  }),
};

/** The same for streams, where it looks different there. */
const STREAM_FAULTS: Faults = {
  nothing: () => ({ contentType: EVENTS, bodyText: "" }),
  "half-json": (wire) => ({ bodyText: streamed(wire), fault: { type: "end", afterBytes: 30 } }),
  truncated: (wire) => ({ bodyText: streamed(wire), fault: { type: "truncate", afterBytes: 30 } }),
  reset: (wire) => ({ bodyText: streamed(wire), fault: { type: "reset", afterBytes: 30 } }),
  "error-200": (wire) => ({
    bodyText: wire === "openai" ? sse(wire, [{ error: errorBody.error }]) : sse(wire, [errorBody]),
  }),
  "other-json": () => ({ contentType: EVENTS, bodyText: ": nothing\n\n: more\n\n" }),
  stall: (wire) => ({ bodyText: streamed(wire), fault: { type: "stall", afterBytes: 30 } }),
  "endless-line": () => ({ contentType: EVENTS, bodyText: `data: ${"x".repeat(6 * 1024 * 1024)}` }),
  "bad-gzip": () => ({ contentType: EVENTS, headers: { "content-encoding": "gzip" }, bodyText: "this is not gzip" }),
  "twice-gzip": (wire) => ({
    contentType: EVENTS,
    headers: { "content-encoding": "gzip, gzip" },
    bodyBase64: gzipSync(gzipSync(streamed(wire))).toString("base64"),
  }),
};

const afterText = (wire: Wire): number => Buffer.byteLength(streamed(wire).split('"two "')[0] ?? "") - 20;

/** The frames up to the first text. */
const begun = (wire: Wire): string => sse(wire, chatEvents(wire, ["one "]).slice(0, wire === "openai" ? 2 : 3));

/** Two pieces with a pause between them: what comes with the first event is not in the middle. */
function inTwo(...pieces: readonly string[]): Exchange {
  return { contentType: EVENTS, chunks: pieces.map((piece) => Buffer.from(piece).toString("base64")), pauseMs: 30 };
}

/** In the middle of a stream: the client has seen a part of it. */
const LATE_FAULTS: Faults = {
  "late-end": (wire) => ({ bodyText: streamed(wire), fault: { type: "end", afterBytes: afterText(wire) } }),
  "late-cut": (wire) => ({ bodyText: streamed(wire), fault: { type: "truncate", afterBytes: afterText(wire) } }),
  "late-reset": (wire) => ({ bodyText: streamed(wire), fault: { type: "reset", afterBytes: afterText(wire) } }),
  "late-stall": (wire) => ({ bodyText: streamed(wire), fault: { type: "stall", afterBytes: afterText(wire) } }),
  "late-error": (wire) => inTwo(begun(wire), sse(wire, [wire === "openai" ? { error: errorBody.error } : errorBody])),
  "late-line": (wire) => inTwo(begun(wire), `data: ${"x".repeat(6 * 1024 * 1024)}`),
};
Object.assign(STREAM_FAULTS, LATE_FAULTS);

const NO_HTTP = ["refused", "hangup", "garbage"];

beforeAll(async () => {
  rude = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
    socket.once("data", (bytes) => {
      if (bytes.toString().includes("garbage")) socket.end("SSH-2.0-OpenSSH_9.6\r\n");
      else socket.destroy();
    });
  });
  await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
  const { port } = rude.address() as { port: number };
  const refused = await refusedUrl();
  const apiKey = new Secret(UPSTREAM_KEY);
  const limits = { timeoutMs: LIMIT_MS, streamTimeoutMs: LIMIT_MS, idleTimeoutMs: LIMIT_MS };
  gateway = await scriptedGateway({
    deployments: (url) =>
      WIRES.flatMap((wire) => {
        const part = wire === "openai" ? "o/v1" : "a";
        const make = (id: string, model: string, baseUrl: string): Deployment => ({
          id: `${id}-${wire}`,
          model,
          provider: wire,
          upstreamModel: model.endsWith("*") ? "*" : (model.split("/")[1] ?? ""),
          baseUrl,
          apiKey,
          ...limits,
        });
        const rows = [
          make("broken", `single-${wire}/*`, `${url}/broken/${part}`),
          make("broken2", `double-${wire}/*`, `${url}/broken/${part}`),
          make("good", `double-${wire}/*`, `${url}/good/${part}`),
        ];
        for (const kind of NO_HTTP) {
          const base = kind === "refused" ? refused : `http://127.0.0.1:${port}`;
          rows.push(make(`${kind}1`, `single-${wire}/${kind}`, `${base}/${part}`));
          rows.push(make(`${kind}2`, `double-${wire}/${kind}`, `${base}/${part}`));
          rows.push(make(`${kind}good`, `double-${wire}/${kind}`, `${url}/good/${part}`));
        }
        return rows;
      }),
  });
  gateway.answer(answer);
});
afterAll(async () => {
  await gateway.close();
  for (const socket of sockets) socket.destroy();
  rude.close();
});

async function ask(client: Wire, model: string, stream: boolean): Promise<WireReply> {
  const began = performance.now();
  const usage = stream && client === "openai" ? { stream_options: { include_usage: true } } : {};
  const reply = await gateway.post(CHAT_PATHS[client], chatBody(client, model, { stream, ...usage }));
  expect(performance.now() - began).toBeLessThan(BOUND_MS);
  return reply;
}

const expectedOf = (kind: string): { status: number; code: string } =>
  kind === "slow-head" || kind === "stall" ? { status: 504, code: "timeout" } : { status: 502, code: "provider_error" };

interface ErrorObject {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly details?: { readonly error_code?: string };
}

function expectErrorObject(client: Wire, text: string, code: string): void {
  const body = JSON.parse(text) as { type?: string; error: ErrorObject };
  const { error } = body;
  expect(client === "openai" ? error.code : error.details?.error_code).toBe(code);
  if (client === "anthropic") {
    expect(body.type).toBe("error");
    expect(error.type).toBe(code === "timeout" ? "timeout_error" : "api_error");
  } else expect(error.type).toBe("server_error");
  // A sentence for people; no page, no stack, no dump of what came.
  expect(error.message.length).toBeGreaterThan(10);
  expect(error.message.length).toBeLessThan(300);
  expect(text).not.toMatch(/<html|nginx|node_modules|\.ts:\d|xxxx|SyntaxError/);
  expect(text).not.toContain(UPSTREAM_KEY);
}

const lanes = WIRES.flatMap((upstream) =>
  WIRES.flatMap((client) => [false, true].map((stream) => ({ upstream, client, stream }))),
);
const early = lanes.flatMap((lane) => [...Object.keys(FAULTS), ...NO_HTTP].map((kind) => ({ ...lane, kind })));

describe("an upstream that breaks before its first event", () => {
  it.concurrent.each(early)("$kind, $upstream to $client, streamed $stream: an error", async (row) => {
    const { kind, upstream, client, stream } = row;
    const reply = await ask(client, `single-${upstream}/${kind}`, stream);
    const { status, code } = expectedOf(kind);
    expect(reply.status, reply.text.slice(0, 500)).toBe(status);
    expect(reply.headers.get("content-type")).toMatch(/^application\/json/);
    expect(reply.headers.get("x-signalbox-attempts")).toBe("1");
    expectErrorObject(client, reply.text, code);
  });

  it.concurrent.each(early)("$kind, $upstream to $client, streamed $stream: the next one answers", async (row) => {
    const { kind, upstream, client, stream } = row;
    const reply = await ask(client, `double-${upstream}/${kind}`, stream);
    expect(reply.status, reply.text.slice(0, 500)).toBe(200);
    expect(reply.headers.get("x-signalbox-attempts")).toBe("2");
    expect(reply.headers.get("x-signalbox-deployment")).toContain("good");
    expect(readChat(client, reply.text, stream)).toMatchObject({ text: "all good", finish: "stop", inputTokens: 3 });
    expect(reply.text).not.toContain("error");
  });
});

const late = lanes
  .filter(({ stream }) => stream)
  .flatMap(({ upstream, client }) => Object.keys(LATE_FAULTS).map((kind) => ({ upstream, client, kind })));

describe("an upstream that breaks in the middle of a stream", () => {
  it.concurrent.each(late)("$kind, $upstream to $client: an error event, no end, no second try", async (row) => {
    const { kind, upstream, client } = row;
    const reply = await ask(client, `double-${upstream}/${kind}`, true);
    expect(reply.status).toBe(200);
    expect(reply.headers.get("x-signalbox-attempts")).toBe("1");
    expect(reply.headers.get("x-signalbox-deployment")).toBe(`broken2-${upstream}`);
    expect(reply.text).toContain("one ");
    expect(reply.text).not.toContain("all good");
    expect(reply.text).not.toContain("[DONE]");
    expect(reply.text).not.toContain("message_stop");
    const lines = dataLines(reply.text);
    expectErrorObject(client, lines.at(-1) ?? "", kind === "late-stall" ? "timeout" : "provider_error");
    expect(lines.filter((line) => line.includes('"error"'))).toHaveLength(1);
    if (client === "anthropic") expect(reply.text).toContain("event: error\n");
  });
});

describe("an upstream that compresses although nobody asked it to", () => {
  it.each(lanes)("$upstream to $client, streamed $stream", async ({ upstream, client, stream }) => {
    gateway.answer((request) => {
      const wire: Wire = request.path.startsWith("/o/") ? "openai" : "anthropic";
      const body = stream ? streamed(wire) : JSON.stringify(chatReply(wire, "one two three four"));
      return {
        contentType: stream ? EVENTS : "application/json",
        headers: { "content-encoding": "gzip" },
        bodyBase64: gzipSync(body).toString("base64"),
        delivery: 7,
      };
    });
    try {
      const reply = await ask(client, `${upstream}/m`, stream);
      expect(reply.status, reply.text).toBe(200);
      expect(reply.headers.get("content-encoding")).toBeNull();
      expect(readChat(client, reply.text, stream).text).toBe("one two three four");
    } finally {
      gateway.answer(answer);
    }
  });
});

describe("after all that", () => {
  it("no call is left running, and the gateway answers", async () => {
    expect(gateway.gateway.activeCalls).toBe(0);
    const reply = await ask("openai", "double-openai/html", false);
    expect(reply.status).toBe(200);
  });
});
