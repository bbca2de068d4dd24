import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createTransport } from "../../src/http/undici-transport.ts";
import type { Transport } from "../../src/transport.ts";
import { httpServer, rejection } from "./loopback.ts";

const cleanups: (() => Promise<void> | void | undefined)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A forward proxy that notes what passes through it. */
async function proxy(): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url} ${incoming.headers["proxy-authorization"] ?? "-"}`);
    const { "proxy-authorization": _secret, ...headers } = incoming.headers;
    incoming.pipe(
      httpRequest(incoming.url ?? "", { method: incoming.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }),
    );
  });
  server.on("connect", (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url}`);
    const [host, port] = (incoming.url ?? "").split(":");
    const upstream = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://user:pass@127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function keep(transport: Transport): Transport {
  cleanups.push(() => transport.close?.());
  return transport;
}

describe("a proxy", () => {
  it("carries plain requests and streams, with its credentials", async () => {
    const server = await httpServer((incoming, response) => incoming.pipe(response));
    cleanups.push(() => server.close());
    const { url, seen } = await proxy();
    const transport = keep(createTransport({ proxy: url }));
    const request = {
      method: "POST",
      origin: server.origin,
      path: "/a?b",
      headers: ["content-type", "text/plain"],
      body: "hello",
    } as const;
    expect((await transport.send(request)).body.toString()).toBe("hello");
    expect((await (await transport.open(request)).readAll()).toString()).toBe("hello");
    const line = `POST ${server.origin}/a?b Basic ${Buffer.from("user:pass").toString("base64")}`;
    expect(seen).toEqual([line, line]);
  });

  it("tunnels https", async () => {
    const { url, seen } = await proxy();
    const server = await httpServer(() => {});
    cleanups.push(() => server.close());
    const { host } = new URL(server.origin);
    // the server speaks no TLS: the tunnel is what counts here
    const error = await rejection(
      keep(createTransport({ proxy: url })).send({
        method: "GET",
        origin: `https://${host}`,
        path: "/",
        headers: [],
        timeoutMs: 5000,
      }),
    );
    expect(error).toMatchObject({ code: "provider_error" });
    expect(seen[0]).toBe(`CONNECT ${host}`);
  });

  it("that is not there is an error that does not show its credentials", async () => {
    const transport = keep(createTransport({ proxy: "http://user:pass@127.0.0.1:9" }));
    const error = (await rejection(
      transport.send({ method: "GET", origin: "http://api.example", path: "/", headers: [] }),
    )) as Error;
    expect(error).toMatchObject({ code: "provider_error" });
    expect(error.message).not.toContain("pass");
  });

  it("comes from the environment when asked for, but for NO_PROXY", async () => {
    const server = await httpServer((_incoming, response) => response.end("ok"));
    cleanups.push(() => server.close());
    const { url, seen } = await proxy();
    for (const name of ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]) {
      const before = process.env[name];
      cleanups.push(() => {
        if (before === undefined) delete process.env[name];
        else process.env[name] = before;
      });
      delete process.env[name];
    }
    process.env.HTTP_PROXY = url;
    const request = { method: "GET", origin: server.origin, path: "/", headers: [] } as const;
    await keep(createTransport()).send(request);
    expect(seen).toHaveLength(0);
    const transport = keep(createTransport({ proxyFromEnvironment: true }));
    expect((await transport.send(request)).body.toString()).toBe("ok");
    expect(seen).toHaveLength(1);
    process.env.NO_PROXY = "127.0.0.1";
    expect((await transport.send(request)).body.toString()).toBe("ok");
    expect(seen).toHaveLength(1);
  });
});
