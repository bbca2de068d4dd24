import type { LookupAddress, LookupOptions } from "node:dns";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createTransport } from "../../src/http/undici-transport.ts";
import type { UrlGuard } from "../../src/http/url-guard.ts";
import { urlGuard } from "../../src/http/url-guard.ts";
import { httpServer, rejection, until } from "./loopback.ts";

const at = (...addresses: string[]): LookupAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

function lookup(guard: UrlGuard, options: LookupOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    guard.lookup("name.example", options, (error, address) => (error === null ? resolve(address) : reject(error)));
  });
}

describe("check", () => {
  it.each([
    "http://api.example/",
    "ftp://api.example/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://user:pass@api.example/",
    "https://user@api.example/",
    "https://api.example:22/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://134744072/",
    "https://0x08.8.8.8/",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fd00:ec2::254]/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https:///",
    "not a url",
    "",
  ])("refuses %j", (url) =>
    expect(() => urlGuard().check(url)).toThrow(expect.objectContaining({ code: "target_not_allowed", status: 403 })),
  );

  it.each([
    "https://api.example/x?y",
    "https://api.example:443/",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
  ])("accepts %s", (url) => {
    expect(urlGuard().check(url).href).toBe(new URL(url).href);
  });

  it("accepts the ports and hosts that the operator lists", () => {
    const guard = urlGuard({ ports: [443, 8443], allowHosts: ["models.internal", "10.0.0.5:8080"] });
    expect(guard.check("https://api.example:8443/").port).toBe("8443");
    expect(guard.check("http://models.internal:9000/").host).toBe("models.internal:9000");
    expect(guard.check("http://10.0.0.5:8080/").host).toBe("10.0.0.5:8080");
    expect(() => guard.check("http://10.0.0.5:8081/")).toThrow("not allowed");
    expect(() => guard.check("http://user:pass@models.internal/")).toThrow("credentials");
  });

  it("does not repeat the target", () => {
    expect(() => urlGuard().check("https://10.1.2.3/secret")).toThrow(
      /^this target is not allowed: its address is not public$/,
    );
  });
});

describe("checkAddresses", () => {
  it("wants every address of the name to be public", async () => {
    await urlGuard({ resolve: async () => at("8.8.8.8", "2606:4700::1") }).checkAddresses("https://name.example/");
    for (const bad of ["127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::"]) {
      const guard = urlGuard({ resolve: async () => at("8.8.8.8", bad) });
      expect(await rejection(guard.checkAddresses("https://name.example/"))).toMatchObject({
        code: "target_not_allowed",
      });
    }
  });

  it("refuses names that cannot be resolved", async () => {
    expect(
      await rejection(urlGuard({ resolve: async () => [] }).checkAddresses("https://name.example/")),
    ).toMatchObject({ code: "target_not_allowed" });
    expect(await rejection(urlGuard().checkAddresses("https://name.invalid/"))).toMatchObject({
      code: "target_not_allowed",
    });
  });
});

describe("lookup", () => {
  it("gives the checked addresses in every form Node asks for", async () => {
    const guard = urlGuard({ resolve: async () => at("8.8.8.8", "2606:4700::1") });
    expect(await lookup(guard, {})).toBe("8.8.8.8");
    expect(await lookup(guard, { family: 6 })).toBe("2606:4700::1");
    expect(await lookup(guard, { all: true })).toEqual(at("8.8.8.8", "2606:4700::1"));
  });

  it("refuses when one address is private", async () => {
    const guard = urlGuard({ resolve: async () => at("8.8.8.8", "192.168.1.1") });
    expect(await rejection(lookup(guard, { all: true }))).toMatchObject({ code: "target_not_allowed" });
    expect(await rejection(lookup(guard, { family: 6 }))).toMatchObject({ code: "target_not_allowed" });
  });
});

describe("connector", () => {
  const target = { hostname: "name.example", host: "name.example", protocol: "https:", port: "443" };
  const connected = (guard: UrlGuard, options: object): Promise<Socket> =>
    new Promise((resolve, reject) =>
      guard.connector(options)(target, (error, socket) => (error === null ? resolve(socket) : reject(error))),
    );

  it("looks at the address that was really connected to", async () => {
    // the lookup says public, the connection leads elsewhere: here to a socket that has no public address at all
    const socketPath = join(await mkdtemp(join(tmpdir(), "guard-")), "socket");
    let accepted: Socket | undefined;
    const server = createServer((socket) => {
      accepted = socket.resume();
    });
    await once(server.listen(socketPath), "listening");
    const guard = urlGuard({ resolve: async () => at("8.8.8.8") });
    const error = await rejection(
      new Promise((resolve, reject) =>
        guard.connector({ socketPath })({ ...target, protocol: "http:" }, (failure, socket) =>
          failure === null ? resolve(socket) : reject(failure),
        ),
      ),
    );
    expect(error).toMatchObject({
      code: "target_not_allowed",
      message: "this target is not allowed: its address is not public",
    });
    await until(() => accepted?.readableEnded === true || accepted?.destroyed === true);
    accepted?.destroy();
    server.close();
  });

  it("refuses a private address without connecting", async () => {
    const server = await httpServer(() => {});
    const { port } = new URL(server.origin);
    const error = await rejection(
      new Promise((resolve, reject) =>
        urlGuard().connector({})({ ...target, protocol: "http:", hostname: "127.0.0.1", port }, (failure, socket) =>
          failure === null ? resolve(socket) : reject(failure),
        ),
      ),
    );
    expect(error).toMatchObject({ code: "target_not_allowed" });
    expect(server.accepted).toBe(0);
    await server.close();
  });

  it("never opens a connection when the name points to a private address", async () => {
    const server = await httpServer(() => {});
    let asked = 0;
    const guard = urlGuard({
      resolve: async () => {
        asked++;
        return at("127.0.0.1");
      },
    });
    expect(await rejection(connected(guard, {}))).toMatchObject({ code: "target_not_allowed" });
    expect(asked).toBe(1);
    expect(server.accepted).toBe(0);
    await server.close();
  });
});

describe("untrusted requests", () => {
  const request = { method: "GET", path: "/", headers: ["authorization", "Bearer secret"], untrusted: true } as const;

  it("reach no private address, not even with a name", async () => {
    const server = await httpServer((_request, response) => response.end("secret"));
    const { port } = new URL(server.origin);
    const transport = createTransport({
      guard: urlGuard({ ports: [Number(port)], resolve: async () => at("127.0.0.1") }),
    });
    for (const origin of [
      server.origin,
      `https://127.0.0.1:${port}`,
      `https://2130706433:${port}`,
      `https://name.example:${port}`,
      `https://[::ffff:127.0.0.1]:${port}`,
    ]) {
      expect(await rejection(transport.send({ ...request, origin })), origin).toMatchObject({
        code: "target_not_allowed",
      });
      expect(await rejection(transport.open({ ...request, origin })), origin).toMatchObject({
        code: "target_not_allowed",
      });
    }
    expect(server.accepted).toBe(0);
    await transport.close?.();
    await server.close();
  });

  it("resolve once, and go to an address that was checked", async () => {
    const answers = [at("192.0.2.1"), at("8.8.8.8")];
    let asked = 0;
    const transport = createTransport({ guard: urlGuard({ resolve: async () => answers[asked++] ?? [] }) });
    expect(await rejection(transport.send({ ...request, origin: "https://name.example" }))).toMatchObject({
      code: "target_not_allowed",
    });
    expect(asked).toBe(1);
    await transport.close?.();
  });

  it("reach hosts that the operator lists, in a pool of their own", async () => {
    const server = await httpServer((_request, response) => response.end("ok"));
    const transport = createTransport({ guard: urlGuard({ allowHosts: [new URL(server.origin).host] }) });
    expect((await transport.send({ ...request, origin: server.origin })).body.toString()).toBe("ok");
    await transport.send({ ...request, origin: server.origin, untrusted: false });
    expect(server.accepted).toBe(2);
    await transport.close?.();
    await server.close();
  });

  it("are not redirected", async () => {
    const server = await httpServer((_request, response) =>
      response.writeHead(302, { location: "http://169.254.169.254/" }).end(),
    );
    const transport = createTransport({ guard: urlGuard({ allowHosts: [new URL(server.origin).host] }) });
    expect((await transport.send({ ...request, origin: server.origin })).status).toBe(302);
    await transport.close?.();
    await server.close();
  });
});
