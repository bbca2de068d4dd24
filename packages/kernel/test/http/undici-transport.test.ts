import { setTimeout as wait } from "node:timers/promises";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { TransportOptions } from "../../src/http/undici-transport.ts";
import { createTransport } from "../../src/http/undici-transport.ts";
import type { Transport, TransportRequest } from "../../src/transport.ts";
import type { Loopback } from "./loopback.ts";
import { httpServer, rawServer, rejection, until } from "./loopback.ts";

const cleanups: (() => Promise<void> | undefined)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function transport(options?: TransportOptions): Transport {
  const created = createTransport(options);
  cleanups.push(() => created.close?.());
  return created;
}

async function http(...args: Parameters<typeof httpServer>): Promise<Loopback> {
  const server = await httpServer(...args);
  cleanups.push(() => server.close());
  return server;
}

async function raw(...args: Parameters<typeof rawServer>): Promise<Loopback> {
  const server = await rawServer(...args);
  cleanups.push(() => server.close());
  return server;
}

const get = (server: Loopback, more: Partial<TransportRequest> = {}): TransportRequest => ({
  method: "GET",
  origin: server.origin,
  path: "/",
  headers: [],
  ...more,
});

describe("send", () => {
  it("sends method, path, headers and body, and reads the whole response", async () => {
    const server = await http((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        response.writeHead(201, { "x-request-id": "r1", "set-cookie": ["a=1", "b=2"] });
        response.end(
          JSON.stringify({
            url: request.url,
            method: request.method,
            headers: request.rawHeaders,
            body: Buffer.concat(pieces).toString(),
          }),
        );
      });
    });
    const response = await transport().send({
      method: "POST",
      origin: server.origin,
      path: "/v1/chat?x=1",
      headers: ["content-type", "application/json", "X-Case", "kept"],
      body: Buffer.from('{"a":1}'),
    });
    expect(response.status).toBe(201);
    expect(response.headers["x-request-id"]).toBe("r1");
    expect(response.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(JSON.parse(response.body.toString())).toEqual({
      url: "/v1/chat?x=1",
      method: "POST",
      headers: [
        "host",
        server.origin.slice(7),
        "connection",
        "keep-alive",
        "content-type",
        "application/json",
        "X-Case",
        "kept",
        "accept-encoding",
        "identity",
        "content-length",
        "7",
      ],
      body: '{"a":1}',
    });
  });

  it("sends an async iterable", async () => {
    const server = await http((request, response) => request.pipe(response));
    async function* body(): AsyncGenerator<Buffer> {
      yield Buffer.from("one ");
      yield Buffer.from("two");
    }
    const response = await transport().send(get(server, { method: "POST", body: body() }));
    expect(response.body.toString()).toBe("one two");
  });

  it("does not take an error status for a failure, and skips informational responses", async () => {
    const server = await http((_request, response) => {
      response.writeProcessing();
      response.writeHead(503).end("busy");
    });
    expect(await transport().send(get(server))).toMatchObject({ status: 503, body: Buffer.from("busy") });
  });

  it("reads a body in many pieces, and an empty one", async () => {
    const server = await http((request, response) => {
      if (request.url === "/empty") response.writeHead(204).end();
      else response.end(Buffer.alloc(3_000_000, "a"));
    });
    expect((await transport().send(get(server))).body.equals(Buffer.alloc(3_000_000, "a"))).toBe(true);
    expect((await transport().send(get(server, { path: "/empty" }))).body.length).toBe(0);
  });

  it("uses connections again", async () => {
    const server = await http((_request, response) => response.end("ok"));
    const client = transport();
    for (let count = 0; count < 20; count++) await client.send(get(server));
    // a connection is free again in the next turn of the event loop, a moment after its response
    expect(server.accepted).toBeLessThanOrEqual(2);
  });

  it.each(["a\r\nx: y", "a\nb", "a\0b"])("refuses the header value %j", async (value) => {
    const server = await http((_request, response) => response.end("ok"));
    const error = await rejection(transport().send(get(server, { headers: ["x-tag", value] })));
    expect(error).toMatchObject({ code: "invalid_request" });
    expect((error as Error).message).not.toContain(value);
    expect(server.accepted).toBe(0);
  });

  it("refuses a reply over maxBytes", async () => {
    const server = await http((_request, response) => response.end(Buffer.alloc(100_000)));
    expect(await rejection(transport().send(get(server, { maxBytes: 99_999 })))).toMatchObject({
      code: "provider_error",
    });
    expect((await transport().send(get(server, { maxBytes: 100_000 }))).body.length).toBe(100_000);
  });
});

describe("failures", () => {
  it("names the host to operators only when the connection is refused", async () => {
    const server = await httpServer(() => {});
    await server.close();
    const error = await rejection(transport().send(get(server)));
    expect(error).toMatchObject({
      code: "provider_error",
      retryable: true,
      message: "the request to the upstream failed (ECONNREFUSED)",
      cause: expect.objectContaining({ message: `upstream ${server.origin.slice(7)}` }),
    });
  });

  it("reports an unknown host", async () => {
    const error = await rejection(
      transport().send({ method: "GET", origin: "http://name.invalid", path: "/", headers: [] }),
    );
    expect(error).toMatchObject({
      code: "provider_error",
      retryable: true,
      message: expect.not.stringContaining("name.invalid"),
      cause: expect.objectContaining({ message: "upstream name.invalid" }),
    });
  });

  it.each([
    ["content-length", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"],
    ["content-length and connection: close", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\nhalf"],
    ["chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
    [
      "chunks and connection: close",
      "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
  ])("reports a body that is cut short (%s)", async (_name, text) => {
    for (const how of ["end", "destroy"] as const) {
      const server = await raw((socket) => socket.write(text, () => socket[how]()));
      expect(await rejection(transport().send(get(server)))).toMatchObject({
        code: "provider_error",
        message: "the upstream closed the connection before the reply was complete",
      });
    }
  });

  it("reports a connection that is reset before an answer", async () => {
    const server = await raw((socket) => socket.resetAndDestroy());
    expect(await rejection(transport().send(get(server)))).toMatchObject({ code: "provider_error", retryable: true });
  });

  it.each(["nonsense\r\n\r\n", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(20_000)}\r\n\r\n`])(
    "reports a response that is not HTTP",
    async (text) => {
      const server = await raw((socket) => socket.write(text));
      expect(await rejection(transport().send(get(server)))).toMatchObject({ code: "provider_error", retryable: true });
    },
  );

  it("destroys an idle connection on which bytes arrive, and the next caller is unaffected", async () => {
    let count = 0;
    const server = await raw((socket) => {
      count++;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${count}`);
      if (count === 1) setTimeout(() => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"), 10);
    });
    const client = transport();
    expect((await client.send(get(server))).body.toString()).toBe("1");
    await until(() => server.sockets.size === 0);
    expect((await client.send(get(server))).body.toString()).toBe("2");
    expect(server.accepted).toBe(2);
  });

  it("does not answer the next request with a second response", async () => {
    let count = 0;
    const server = await raw((socket) => {
      count++;
      const reply = `HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${count}`;
      socket.write(count === 1 ? `${reply}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison` : reply);
    });
    const client = transport();
    await client.send(get(server));
    const next = await client.send(get(server)).then(
      (response) => response.body.toString(),
      () => "failed",
    );
    expect(next).not.toBe("poison");
  });

  it("fails after close", async () => {
    const client = createTransport();
    await client.close?.();
    expect(
      await rejection(client.send({ method: "GET", origin: "http://127.0.0.1:9", path: "/", headers: [] })),
    ).toMatchObject({ code: "draining" });
  });
});

describe("time limits", () => {
  it.each([150, 2100])("waits for the response head for %d ms", async (limit) => {
    const server = await http(() => {});
    const startedAt = performance.now();
    expect(await rejection(transport().send(get(server, { headersTimeoutMs: limit })))).toMatchObject({
      code: "timeout",
      retryable: true,
    });
    // from two seconds on undici keeps the time, in steps of half a second
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(limit < 2000 ? limit - 20 : limit - 600);
    expect(performance.now() - startedAt).toBeLessThan(limit < 2000 ? limit + 300 : limit + 1500);
    await until(() => server.sockets.size === 0);
  });

  it("waits for the first piece of the body as long as is allowed from the start, and no longer for the others", async () => {
    const mute = await http((_request, response) => void setTimeout(() => response.flushHeaders(), 100));
    const startedAt = performance.now();
    const limits = { firstByteTimeoutMs: 200, idleTimeoutMs: 5_000 };
    const stream = await transport().open(get(mute, limits));
    expect(await rejection(stream.read())).toMatchObject({ code: "timeout", retryable: true });
    expect(performance.now() - startedAt).toBeLessThan(290);
    await until(() => mute.sockets.size === 0);
    const slow = await http((_request, response) => {
      response.write("0");
      setTimeout(() => response.end("1"), 300);
    });
    expect((await (await transport().open(get(slow, limits))).readAll()).toString()).toBe("01");
  });

  it("limits the silence between pieces, not the whole", async () => {
    const server = await http((_request, response) => {
      response.write("0");
      let count = 0;
      const timer = setInterval(() => {
        if (++count === 5) clearInterval(timer);
        else response.write(String(count));
      }, 60);
    });
    const stream = await transport().open(get(server, { idleTimeoutMs: 150 }));
    const pieces: string[] = [];
    const error = await rejection(
      (async () => {
        for await (const piece of stream) pieces.push(piece.toString());
      })(),
    );
    expect(pieces.join("")).toBe("01234");
    expect(error).toMatchObject({ code: "timeout" });
    await until(() => server.sockets.size === 0);
  });

  it("limits the whole exchange", async () => {
    const server = await http((_request, response) => {
      response.write("0");
      const timer = setInterval(() => response.write("1"), 20);
      response.on("close", () => clearInterval(timer));
    });
    const startedAt = performance.now();
    expect(await rejection(transport().send(get(server, { timeoutMs: 200 })))).toMatchObject({ code: "timeout" });
    expect(performance.now() - startedAt).toBeLessThan(400);
    await until(() => server.sockets.size === 0);
  });

  it.each([Number.POSITIVE_INFINITY, 3e9])("takes %d ms for no limit", async (limit) => {
    const server = await http((_request, response) => void setTimeout(() => response.end("ok"), 30));
    const request = get(server, { timeoutMs: limit, headersTimeoutMs: limit, idleTimeoutMs: limit });
    expect((await transport().send(request)).body.toString()).toBe("ok");
  });

  it("fails at once when no time is left", async () => {
    const server = await http(() => {});
    expect(await rejection(transport().send(get(server, { timeoutMs: -5 })))).toMatchObject({ code: "timeout" });
  });

  it("counts the wait for a free connection", async () => {
    const server = await http(() => {});
    const client = transport({ connections: 1 });
    const first = rejection(client.send(get(server, { timeoutMs: 300 })));
    expect(await rejection(client.send(get(server, { timeoutMs: 100 })))).toMatchObject({ code: "timeout" });
    await first;
  });
});

describe("abort", () => {
  it("rethrows a reason of ours, else client_closed", async () => {
    const server = await http(() => {});
    const reason = new GatewayError("timeout", "deadline");
    expect(await rejection(transport().send(get(server, { signal: AbortSignal.abort(reason) })))).toBe(reason);
    expect(await rejection(transport().send(get(server, { signal: AbortSignal.abort() })))).toMatchObject({
      code: "client_closed",
    });
    expect(server.accepted).toBe(0);
  });

  it.each(["before the head", "in the body"])("frees the socket within 100 ms %s", async (when) => {
    const server = await http((_request, response) => {
      if (when === "in the body") response.write("start");
    });
    const client = transport();
    const controller = new AbortController();
    const request = get(server, { signal: controller.signal });
    let read: Promise<unknown>;
    if (when === "in the body") {
      const stream = await client.open(request);
      await stream.read();
      read = stream.read();
    } else {
      read = client.send(request);
      await until(() => server.sockets.size === 1);
    }
    controller.abort();
    expect(await rejection(read)).toMatchObject({ code: "client_closed" });
    expect(await until(() => server.sockets.size === 0)).toBeLessThan(100);
  });

  it("takes a waiting request out of the queue and keeps the connection", async () => {
    let release = (): void => {};
    const urls: (string | undefined)[] = [];
    const server = await http((request, response) => {
      urls.push(request.url);
      if (urls.length === 1) release = () => void response.end("first");
      else response.end("third");
    });
    const client = transport({ connections: 1 });
    const first = client.send(get(server, { path: "/1" }));
    await until(() => urls.length === 1);
    const controller = new AbortController();
    const second = rejection(client.send(get(server, { path: "/2", signal: controller.signal })));
    controller.abort();
    expect(await second).toMatchObject({ code: "client_closed" });
    const third = client.send(get(server, { path: "/3" }));
    release();
    expect((await first).body.toString()).toBe("first");
    expect((await third).body.toString()).toBe("third");
    expect(urls).toEqual(["/1", "/3"]);
    expect(server.accepted).toBe(1);
  });

  it("leaves no listener on the signal", async () => {
    const server = await http((_request, response) => response.end("ok"));
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    }) as typeof add;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    }) as typeof remove;
    const client = transport();
    await client.send(get(server, { signal }));
    await (await client.open(get(server, { signal }))).readAll();
    expect(listeners).toBe(0);
  });

  it("leaves no socket open after 1,000 aborted streams", async () => {
    const server = await http((_request, response) => void response.write("data: 1\n\n"));
    const client = transport({ connections: 100 });
    await Promise.all(
      Array.from({ length: 1000 }, async (_value, index) => {
        const controller = new AbortController();
        const opened = client.open(get(server, { signal: controller.signal }));
        if (index % 3 === 0) {
          setImmediate(() => controller.abort());
          await opened.then(
            (stream) => stream.close(),
            () => {},
          );
          return;
        }
        const stream = await opened;
        if (index % 3 === 1) await stream.read();
        stream.close();
      }),
    );
    await client.close?.();
    await until(() => server.sockets.size === 0);
  });
});

describe("open", () => {
  it("answers with the head before the body, and reads what has arrived since the last read", async () => {
    let next = (): void => {};
    const server = await http((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      next = () => {
        response.write("a");
        response.write("b");
        setTimeout(() => response.end("c"), 10);
      };
    });
    const stream = await transport().open(get(server));
    expect(stream.status).toBe(200);
    expect(stream.headers["content-type"]).toBe("text/event-stream");
    next();
    await wait(40);
    expect((await stream.read())?.toString()).toBe("abc");
    expect(await stream.read()).toBeUndefined();
    expect(await stream.read()).toBeUndefined();
    stream.close();
  });

  it("gives what had arrived before a connection broke, then fails", async () => {
    const server = await raw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
      setTimeout(() => socket.destroy(), 20);
    });
    const stream = await transport().open(get(server));
    await until(() => server.sockets.size === 0);
    await wait(10);
    expect((await stream.read())?.toString()).toBe("half");
    expect(await rejection(stream.read())).toMatchObject({ code: "provider_error" });
    stream.close();
  });

  it("pauses the upstream for a slow reader, and loses nothing", async () => {
    let sent = 0;
    const total = 40_000_000;
    const piece = Buffer.alloc(100_000, "x");
    const server = await http((_request, response) => {
      const pump = (): void => {
        while (sent < total) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once("drain", pump);
        }
        response.end();
      };
      pump();
    });
    const stream = await transport().open(get(server, { idleTimeoutMs: 100 }));
    let before = -1;
    await until(() => {
      const still = before === sent && sent > 0;
      before = sent;
      return still;
    });
    await wait(200);
    // kernel buffers on both sides, and 256 KB here
    expect(sent).toBeLessThan(15_000_000);
    const firstRead = (await stream.read()) as Buffer;
    expect(firstRead.length).toBeLessThan(512 * 1024);
    expect(firstRead.length + (await stream.readAll()).length).toBe(total);
  });

  it("frees the socket when it is closed, also while it is paused", async () => {
    const server = await http((_request, response) => {
      const pump = (): void => {
        while (response.write(Buffer.alloc(100_000)));
        response.once("drain", pump);
      };
      pump();
    });
    const stream = await transport().open(get(server));
    await wait(50);
    stream.close();
    stream.close();
    expect(await until(() => server.sockets.size === 0)).toBeLessThan(100);
  });

  it("frees the socket when iteration is left", async () => {
    const server = await http((_request, response) => void response.write("a"));
    for await (const _piece of await transport().open(get(server))) break;
    expect(await until(() => server.sockets.size === 0)).toBeLessThan(100);
  });

  it("refuses a stream over maxBytes", async () => {
    const server = await http((_request, response) => response.end(Buffer.alloc(1_000_000)));
    const stream = await transport().open(get(server, { maxBytes: 500_000 }));
    expect(await rejection(stream.readAll())).toMatchObject({ code: "provider_error" });
  });
});

describe("content encodings", () => {
  const text = JSON.stringify({ text: "hello ".repeat(100) });
  const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

  it.each(["gzip", "deflate", "br"] as const)("decodes %s in both ways", async (coding) => {
    const server = await http((_request, response) =>
      response.writeHead(200, { "content-encoding": coding }).end(encoders[coding](text)),
    );
    const request = get(server, { headers: ["accept-encoding", coding] });
    const response = await transport().send(request);
    expect(response.body.toString()).toBe(text);
    expect(response.headers["content-encoding"]).toBeUndefined();
    expect((await (await transport().open(request)).readAll()).toString()).toBe(text);
  });

  it("decodes a stream piece by piece", async () => {
    const { createGzip } = await import("node:zlib");
    const zip = createGzip();
    const server = await http((_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      zip.pipe(response);
      zip.write("data: 1\n\n");
      zip.flush();
    });
    const stream = await transport().open(get(server));
    expect((await stream.read())?.toString()).toBe("data: 1\n\n");
    zip.end("data: 2\n\n");
    expect((await stream.readAll()).toString()).toBe("data: 2\n\n");
  });

  it.each(["send", "open"] as const)("refuses bombs, chains, unknown codings and damaged bodies (%s)", async (how) => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const bodies: Record<string, [string, Buffer]> = {
      "/bomb": ["gzip", bomb],
      "/chain": ["gzip, br", gzipSync("a")],
      "/zstd": ["zstd", Buffer.from("a")],
      "/damaged": ["gzip", Buffer.from("not gzip")],
      "/cut": ["gzip", gzipSync(text).subarray(0, 30)],
    };
    const server = await http((request, response) => {
      const [coding, body] = bodies[request.url ?? ""] as [string, Buffer];
      response.writeHead(200, { "content-encoding": coding }).end(body);
    });
    const client = transport();
    for (const path of Object.keys(bodies)) {
      const request = get(server, { path });
      const run = how === "send" ? client.send(request) : client.open(request).then((stream) => stream.readAll());
      expect(await rejection(run), path).toMatchObject({ code: "provider_error" });
    }
  });
});

describe("pools", () => {
  it("closes pools that nobody uses", async () => {
    const server = await http((_request, response) => response.end("ok"));
    await transport({ keepAliveMs: 50 }).send(get(server));
    await until(() => server.sockets.size === 0, 1000);
  });

  it("closes after running exchanges have ended", async () => {
    const server = await http((_request, response) => setTimeout(() => response.end("ok"), 50));
    const client = createTransport();
    const running = client.send(get(server));
    await until(() => server.sockets.size === 1);
    await client.close?.();
    expect((await running).body.toString()).toBe("ok");
    await until(() => server.sockets.size === 0);
  });
});
