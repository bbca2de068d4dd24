import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import type { Exchange, ReplayServer, ReplayServerOptions } from "@signalbox/kernel/testkit";
import { cutBody, refusedUrl, replayServer } from "@signalbox/kernel/testkit";

const STREAM = 'data: {"text":"Grüße"}\n\ndata: [DONE]\n\n';
const open: (ReplayServer | Client)[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await (one instanceof Client ? one.destroy() : one.close());
});

async function start(
  exchanges: Exchange | readonly Exchange[] | Parameters<typeof replayServer>[0],
  options?: ReplayServerOptions,
): Promise<{ server: ReplayServer; client: Client }> {
  const server = await replayServer(exchanges, options);
  const client = new Client(server.url, { bodyTimeout: 300, headersTimeout: 300 });
  open.push(server, client);
  return { server, client };
}

async function pieces(
  client: Client,
): Promise<{ status: number; headers: object; pieces: Buffer[]; failure?: string }> {
  const got: Buffer[] = [];
  const response = await client.request({ method: "POST", path: "/v1/chat?x=1", body: "{}" });
  try {
    for await (const piece of response.body) got.push(piece as Buffer);
  } catch (failure) {
    return {
      status: response.statusCode,
      headers: response.headers,
      pieces: got,
      failure: (failure as { code?: string }).code ?? String(failure),
    };
  }
  return { status: response.statusCode, headers: response.headers, pieces: got };
}

/** As they come, unlike undici's body, which joins what has arrived before it is read. */
function rawPieces(url: string): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      const got: Buffer[] = [];
      response.on("data", (piece: Buffer) => got.push(piece));
      response.on("end", () => resolve(got));
    }).on("error", reject);
  });
}

describe("replayServer", () => {
  it("answers with JSON and keeps what arrived", async () => {
    const { server, client } = await start({ status: 201, headers: { "x-a": "1" }, body: { ok: true } });
    const reply = await pieces(client);
    expect(reply.status).toBe(201);
    expect(reply.headers).toMatchObject({ "content-type": "application/json", "x-a": "1", "content-length": "11" });
    expect(Buffer.concat(reply.pieces).toString()).toBe('{"ok":true}');
    expect(server.sent).toHaveLength(1);
    expect(server.sent[0]).toMatchObject({ method: "POST", path: "/v1/chat?x=1", body: "{}" });
    expect(await server.sent[0]?.ended).toBe("answered");
  });

  it("cuts a stream whole, by line, by byte, by n bytes and as recorded", async () => {
    const bytes = Buffer.from(STREAM);
    const chunks = [bytes.subarray(0, 18).toString("base64"), bytes.subarray(18).toString("base64")];
    const exchange: Exchange = { bodyText: STREAM };
    const counts: number[] = [];
    for (const [one, options] of [
      [exchange, { delivery: "whole" }],
      [exchange, { delivery: "lines" }],
      [exchange, { delivery: "bytes" }],
      [exchange, { delivery: 10 }],
      [{ chunks, contentType: "text/event-stream" }, {}],
    ] as [Exchange, ReplayServerOptions][]) {
      const { server } = await start(one, options);
      const got = await rawPieces(server.url);
      expect(Buffer.concat(got).toString()).toBe(STREAM);
      counts.push(got.length);
    }
    expect(counts).toEqual([1, 4, bytes.length, Math.ceil(bytes.length / 10), 2]);
  });

  it("uses a list up in order and refuses a request too many", async () => {
    const { client } = await start([{ body: 1 }, { status: 429, headers: { "retry-after": "2" }, body: 2 }]);
    expect((await pieces(client)).status).toBe(200);
    const second = await pieces(client);
    expect([second.status, second.headers]).toMatchObject([429, { "retry-after": "2" }]);
    const third = await pieces(client);
    expect(third.status).toBe(501);
    expect(Buffer.concat(third.pieces).toString()).toContain("request 3 came, but there are only 2");
  });

  it("decides by request", async () => {
    const { client } = await start((request, index) => ({ body: { path: request.path, index } }));
    expect(Buffer.concat((await pieces(client)).pieces).toString()).toBe('{"path":"/v1/chat?x=1","index":0}');
  });

  it("shows that a handler failed", async () => {
    const { client } = await start(() => {
      throw new Error("no such case");
    });
    const reply = await pieces(client);
    expect(reply.status).toBe(500);
    expect(Buffer.concat(reply.pieces).toString()).toContain("no such case");
  });

  it.each([
    ["reset", "UND_ERR_SOCKET", 10],
    ["truncate", "UND_ERR_SOCKET", 10],
    ["stall", "UND_ERR_BODY_TIMEOUT", 10],
  ] as const)("breaks a reply: %s", async (type, code, afterBytes) => {
    const { client } = await start({ bodyText: STREAM, fault: { type, afterBytes } });
    const reply = await pieces(client);
    expect(Buffer.concat(reply.pieces).toString()).toBe(STREAM.slice(0, 10));
    expect(["UND_ERR_SOCKET", "ECONNRESET"].includes(reply.failure ?? "") ? "UND_ERR_SOCKET" : reply.failure).toBe(
      code,
    );
  });

  it("ends early without an error and puts broken frames in between", async () => {
    const early = await start({ bodyText: STREAM, fault: { type: "end", afterBytes: 4 } });
    const ended = await pieces(early.client);
    expect([Buffer.concat(ended.pieces).toString(), ended.failure]).toEqual(["data", undefined]);
    const broken = await start({ bodyText: "data: 1\n\ndata: 2\n\n", fault: { type: "malformed", afterBytes: 9 } });
    expect(Buffer.concat((await pieces(broken.client)).pieces).toString()).toBe(
      'data: 1\n\n\n\ndata: {"broken": \n\ndata: 2\n\n',
    );
  });

  it("is late with its head, and pauses between pieces", async () => {
    const late = await start({ body: 1, headersDelayMs: 5_000 });
    await expect(pieces(late.client)).rejects.toMatchObject({ code: "UND_ERR_HEADERS_TIMEOUT" });
    expect(await late.server.sent[0]?.ended).toBe("clientClosed");
    const { client } = await start({ bodyText: "a\nb\nc\n", delivery: "lines", pauseMs: 20 });
    const startedAt = performance.now();
    await pieces(client);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(38);
  });

  it("tells when a client has left, and counts connections", async () => {
    const { server, client } = await start({ bodyText: STREAM, fault: { type: "stall" } });
    const request = pieces(client);
    request.catch(() => undefined);
    const arrived = await server.received(0);
    expect([server.openSockets, server.connections]).toEqual([1, 1]);
    await client.destroy();
    expect(await arrived.ended).toBe("clientClosed");
    await delay(20);
    expect([server.openSockets, server.connections]).toEqual([0, 1]);
  });

  it("closes with stalled connections open, twice", async () => {
    const { server, client } = await start({ bodyText: STREAM, fault: { type: "stall" } });
    const reply = pieces(client);
    await server.received(0);
    await server.close();
    await server.close();
    expect((await reply.catch((failure: { code: string }) => ({ failure: failure.code }))).failure).toBeDefined();
    expect(server.openSockets).toBe(0);
  });

  it("knows an address at which nobody listens", async () => {
    const client = new Client(await refusedUrl());
    open.push(client);
    await expect(client.request({ method: "GET", path: "/" })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("cutBody", () => {
  it("refuses a delivery that is no number of bytes", () => {
    expect(() => cutBody(Buffer.from("abc"), 0)).toThrow("delivery must be a positive number of bytes: 0");
  });

  it("keeps a last line without line feed", () => {
    expect(cutBody(Buffer.from("a\nb"), "lines").map(String)).toEqual(["a\n", "b"]);
  });
});
