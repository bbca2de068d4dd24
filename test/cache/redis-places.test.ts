import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import type { Cache, Call, ChatRequest, Plugin, Recording } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import type { RedisCacheOptions } from "@signalbox/plugin-cache-redis";
import { redisCache } from "@signalbox/plugin-cache-redis";
import { RedisIndex } from "@signalbox/plugin-cache-semantic/redis";
import { ownNamespace } from "../redis/own-namespace.ts";
import { OwnRedis } from "../redis/own-redis.ts";
import { soon } from "../redis/soon.ts";
import { redisUrl } from "../services/index.ts";
import { findBinary, freePort, supervise } from "../services/service.ts";
import { answered, direction } from "./vector-index-kit.ts";

const openssl = findBinary("openssl");
const ended: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function opened(options: RedisCacheOptions): Promise<Cache> {
  const plugin = redisCache({ timeoutMs: 1_000, ...options }) as Plugin & { readonly cache: Cache };
  await plugin.setup?.(undefined as never);
  ended.push(() => plugin.close?.());
  return plugin.cache;
}

function call(text: string): Call {
  const request: ChatRequest = { model: "m", messages: [{ role: "user", content: [{ type: "text", text }] }] };
  return testCall({ operation: "chat", request }) as unknown as Call;
}

/** Everything that a gateway does with it, once. */
async function isWhole(cache: Cache): Promise<void> {
  const kept = answered("Paris", { namespace: "n", tags: ["t"] });
  for (const text of ["a", "b", "c", "d"]) await cache.keep(call(text), kept as Recording);
  expect(await cache.find(call("a"))).toEqual(kept);
  expect(await cache.claim?.(call("x"), 5_000)).toMatchObject({ mine: true });
  expect(await cache.claim?.(call("x"), 5_000)).toMatchObject({ mine: false });
  await cache.forget(call("a"));
  expect(await cache.find(call("a"))).toBeUndefined();
  expect(await cache.clear?.({ namespace: "n", tag: "t" })).toBe(3);
  await cache.keep(call("e"), kept as Recording);
  expect(await cache.clear?.({})).toBe(1);
  expect(await cache.ping?.()).toEqual({ ok: true });
  expect(await cache.stats?.()).toMatchObject({ kept: 5, refused: 0 });
}

describe("the cache in Redis", () => {
  it("works in a cluster, and so does the index of questions", async () => {
    const [ip, bus] = ["127.0.0.1", String(await freePort())];
    const own = await OwnRedis.start("--cluster-enabled", "yes", "--cluster-announce-ip", ip, "--cluster-port", bus);
    ended.push(() => own.stop());
    await own.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    const up = async () => String(await own.command("CLUSTER", "INFO")).includes("cluster_state:ok");
    await soon("the cluster", up, 10_000);
    const cluster = [{ host: ip, port: own.port }];
    await isWhole(await opened({ cluster }));
    const index = new RedisIndex({ cluster, timeoutMs: 1_000 });
    ended.push(() => index.close());
    await index.open();
    for (let seed = 1; seed <= 5; seed++) await index.add("b", direction(seed), answered(`${seed}`, { tags: ["t"] }));
    expect((await index.nearest("b", direction(3)))?.recording.result).toMatchObject({
      choices: [{ content: [{ text: "3" }] }],
    });
    expect(await index.clear({ tag: "t" })).toBe(5);
  });

  it("finds the primary that sentinels know", async () => {
    const own = await OwnRedis.start("--requirepass", "behind-sentinels");
    ended.push(() => own.stop());
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "signalbox-sentinel-"));
    const settings = join(folder, "sentinel.conf");
    const lines = ["bind 127.0.0.1", `port ${port}`, `sentinel monitor main 127.0.0.1 ${own.port} 1`];
    writeFileSync(settings, [...lines, "sentinel auth-pass main behind-sentinels", ""].join("\n"));
    const sentinel = supervise(folder, [findBinary("redis-server", "valkey-server") as string, settings, "--sentinel"]);
    ended.push(() => sentinel.stop());
    const options = { sentinel: { name: "main", nodes: [{ host: "127.0.0.1", port }] }, password: "behind-sentinels" };
    let cache: Cache | undefined;
    await soon("the sentinel", async () => {
      cache = await opened(options);
      return true;
    });
    await isWhole(cache as Cache);
  });

  it.skipIf(openssl === undefined)("speaks TLS, to a server that it trusts only", async () => {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    execFileSync(
      openssl ?? "",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        cert,
        ...subject,
      ],
      { stdio: "ignore" },
    );
    const own = await OwnRedis.start();
    ended.push(() => own.stop());
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (secure) => {
      const plain = connect(own.port, "127.0.0.1");
      secure.pipe(plain).pipe(secure);
      for (const [one, other] of [
        [secure, plain],
        [plain, secure],
      ] as const)
        one.on("error", () => other.destroy());
    });
    server.on("tlsClientError", () => undefined);
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    ended.push(() => server.close());
    await isWhole(await opened({ host: "127.0.0.1", port, tls: { ca: readFileSync(cert, "utf8") } }));
    await expect(opened({ host: "127.0.0.1", port, tls: true, connectTimeoutMs: 2_000 })).rejects.toThrow(
      /^cache-redis: Redis cannot be used: /,
    );
  });

  it("needs no more than its own keys of a user that is bound by rules", async () => {
    const own = await OwnRedis.start();
    ended.push(() => own.stop());
    const rules = ["on", ">secret", "~shop:cache:*", "+@read", "+@write", "+@connection", "+info", "+evalsha", "+eval"];
    await own.command("ACL", "SETUSER", "cache", "reset", ...rules);
    await isWhole(await opened({ port: own.port, username: "cache", password: "secret", namespace: "shop" }));
    const elsewhere = await opened({ port: own.port, username: "cache", password: "secret", namespace: "other" });
    await elsewhere.keep(call("a"), answered("Paris"));
    expect(await elsewhere.find(call("a"))).toBeUndefined();
    expect(await elsewhere.stats?.()).toMatchObject({ kept: 0, refused: 1 });
  });

  it("sends what many calls ask at once along one connection, without waiting in between", async () => {
    const namespace = ownNamespace();
    const cache = await opened({ url: await redisUrl(), namespace, timeoutMs: 5_000 });
    await Promise.all(Array.from({ length: 1_000 }, (_, at) => cache.keep(call(`q ${at}`), answered(`a ${at}`))));
    const startedAt = performance.now();
    for (let at = 0; at < 100; at++) await cache.find(call(`q ${at}`));
    const oneByOne = (performance.now() - startedAt) / 100;
    const together = performance.now();
    const found = await Promise.all(Array.from({ length: 1_000 }, (_, at) => cache.find(call(`q ${at}`))));
    const each = (performance.now() - together) / 1_000;
    expect(
      found.map(
        (one) =>
          (one?.result as { choices: { content: { text: string }[] }[] } | undefined)?.choices[0]?.content[0]?.text,
      ),
    ).toEqual(Array.from({ length: 1_000 }, (_, at) => `a ${at}`));
    expect(each).toBeLessThan(oneByOne);
  });

  it("is not waited for long when a process dies with a claim, and a living one keeps it", {
    timeout: 20_000,
  }, async () => {
    const namespace = ownNamespace();
    const url = await redisUrl();
    const dying = redisCache({ url, namespace, timeoutMs: 1_000 }) as Plugin & { readonly cache: Cache };
    await dying.setup?.(undefined as never);
    const alive = await opened({ url, namespace });
    const waiting = await opened({ url, namespace });
    expect(await dying.cache.claim?.(call("dies"), 30_000)).toMatchObject({ mine: true });
    const held = await alive.claim?.(call("lives"), 30_000);
    await dying.close?.();
    const [dead, living] = [await waiting.claim?.(call("dies"), 30_000), await waiting.claim?.(call("lives"), 30_000)];
    if (dead?.mine !== false || living?.mine !== false || held?.mine !== true) throw new Error("claims are another's");
    const startedAt = performance.now();
    let released = false;
    const settled = living.settled(AbortSignal.timeout(15_000)).then(() => released);
    await dead.settled(AbortSignal.timeout(15_000));
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    // longer than one lease
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    released = true;
    await held.release();
    expect(await settled).toBe(true);
  });
});
