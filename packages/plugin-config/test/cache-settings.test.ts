import { describe, expect, test } from "vitest";
import { load, report, withModel } from "./support/vendors.ts";

const cached = (params: string): string => withModel(`litellm_settings:\n  cache: true\n  cache_params: ${params}\n`);

describe("a cache", () => {
  test("is in the memory of the process unless something else is said", () => {
    expect(load(withModel("litellm_settings: {cache: true}\n")).cache).toEqual({ kind: "local", policy: {} });
    expect(load(withModel("litellm_settings: {cache: false, cache_params: {ttl: 5}}\n")).cache).toBeUndefined();
  });

  test("has a policy", () => {
    const { cache } = load(
      cached(
        "{type: local, ttl: 300, mode: default_off, stale_ttl: 60, scope: key, supported_call_types: [acompletion, responses, aembedding]}",
      ),
    );
    expect(cache?.policy).toEqual({
      mode: "off",
      ttlMs: 300_000,
      staleMs: 60_000,
      scope: "key",
      operations: ["chat", "embed"],
    });
  });

  test("may be in a Redis of its own", () => {
    const { cache } = load(cached("{type: redis, host: redis, port: 6379, password: hush, ttl: 300, namespace: a}"));
    expect(cache).toMatchObject({
      kind: "redis",
      policy: { ttlMs: 300_000 },
      redis: { host: "redis", port: 6379, namespace: "a" },
    });
    expect(cache?.redis?.password?.reveal()).toBe("hush");
    expect(cache?.redis).not.toHaveProperty("tls");
  });

  test("ssl: false is plain TCP, ssl: true is TLS", () => {
    expect(load(cached("{type: redis, host: redis, ssl: false}")).cache?.redis?.tls).toBe(false);
    expect(load(cached("{type: redis, host: redis, ssl: true}")).cache?.redis?.tls).toBe(true);
    expect(load(cached("{type: redis, host: redis, ssl: true, ssl_cert_reqs: none}")).cache?.redis?.tls).toEqual({
      rejectUnauthorized: false,
    });
    expect(load(cached("{type: redis, url: 'rediss://redis'}")).cache?.redis?.tls).toBe(true);
  });

  test("finds Redis in the variables where the file does not say", () => {
    const env = {
      REDIS_HOST: "cache",
      REDIS_PORT: "6380",
      REDIS_USERNAME: "me",
      REDIS_PASSWORD: "hush",
      REDIS_DB: "3",
      REDIS_SSL: "True",
    };
    const { cache } = load(cached("{type: redis}"), { env });
    expect(cache?.redis).toMatchObject({ host: "cache", port: 6_380, username: "me", db: 3, tls: true });
    expect(cache?.redis?.password?.reveal()).toBe("hush");
    const url = load(cached("{type: redis}"), { env: { ...env, REDIS_SSL: "", REDIS_URL: "redis://other:1/2" } }).cache
      ?.redis;
    expect(url?.url?.reveal()).toBe("redis://other:1/2");
    expect(Object.keys(url ?? {})).toEqual(["url"]);
    // what the file says comes first
    expect(load(cached("{type: redis, host: mine}"), { env: { REDIS_URL: "redis://other" } }).cache?.redis).toEqual({
      host: "mine",
    });
  });

  test("may be a cluster, or behind sentinels", () => {
    expect(
      load(cached("{type: redis, redis_startup_nodes: [{host: a, port: '7001'}, [b, 7002]]}")).cache?.redis,
    ).toEqual({
      cluster: [
        { host: "a", port: 7_001 },
        { host: "b", port: 7_002 },
      ],
    });
    const { sentinel } =
      load(cached("{type: redis, sentinel_nodes: [[a, 26379]], service_name: primary, sentinel_password: hush}")).cache
        ?.redis ?? {};
    expect(sentinel).toMatchObject({ name: "primary", nodes: [{ host: "a", port: 26_379 }] });
    expect(sentinel?.password?.reveal()).toBe("hush");
  });

  test("may compare questions by what they mean", () => {
    const { cache } = load(
      cached(
        "{type: redis-semantic, host: redis, similarity_threshold: 0.9, redis_semantic_cache_embedding_model: fast}",
      ),
    );
    expect(cache?.semantic).toEqual({ embeddingModel: "fast", threshold: 0.9 });
  });

  test("keys that change nothing say so", () => {
    const { warnings } = load(
      withModel(
        "litellm_settings:\n  cache: true\n  enable_caching_on_provider_specific_optional_params: true\n  cache_params: {type: redis, host: a, max_connections: 9}\n",
      ),
    );
    expect(warnings).toEqual([
      "litellm_settings.cache_params.max_connections changes nothing: one connection serves all calls",
      "litellm_settings.enable_caching_on_provider_specific_optional_params changes nothing: every parameter is part of the cache key",
    ]);
  });
});

const AT = "7:17 litellm_settings.cache_params";

describe("what cannot be", () => {
  test.each([
    [
      "{type: redsi, host: a}",
      ['7:24 litellm_settings.cache_params.type: is not the name of a cache. Did you mean "redis"?'],
    ],
    [
      "{type: qdrant-semantic}",
      [
        '7:24 litellm_settings.cache_params.type: needs the plugin "cache-qdrant-semantic", which this gateway does not have; it is one of local, redis, redis-semantic',
      ],
    ],
    ["{type: redis}", [`${AT}: does not say where Redis is; add host, or set REDIS_URL`]],
    ["{type: redis, hots: a}", ['7:31 litellm_settings.cache_params.hots: unknown key. Did you mean "host"?']],
    ["{host: a}", ["7:24 litellm_settings.cache_params.host: has no effect with the type local; it belongs to redis"]],
    [
      "{type: redis, host: a, similarity_threshold: 0.5}",
      [
        "7:62 litellm_settings.cache_params.similarity_threshold: has no effect with the type redis; it belongs to redis-semantic",
      ],
    ],
    [
      "{type: redis, host: a, url: 'redis://b'}",
      ["7:37 litellm_settings.cache_params.host: says where Redis is, and so does url; keep one of the two"],
    ],
    [
      "{type: redis, url: 'rediss://b', ssl: false}",
      [
        "7:55 litellm_settings.cache_params.ssl: is false, and the address begins with rediss:, which is TLS; keep one of the two",
      ],
    ],
    [
      "{type: redis, host: a, service_name: p}",
      ["7:54 litellm_settings.cache_params.service_name: has no effect alone; add sentinel_nodes"],
    ],
    [
      "{type: redis, host: a, ssl_keyfile: k}",
      ["7:53 litellm_settings.cache_params.ssl_keyfile: has no effect alone; add ssl: true"],
    ],
    [
      "{type: redis, host: a, ssl: true, ssl_keyfile: /nowhere/key}",
      ["7:64 litellm_settings.cache_params.ssl_keyfile: names a file that cannot be read (ENOENT)"],
    ],
    [
      "{type: redis-semantic, host: a, similarity_threshold: 0.9}",
      [`${AT}.redis_semantic_cache_embedding_model: is missing`],
    ],
    [
      "{type: redis-semantic, host: a, similarity_threshold: 0.9, redis_semantic_cache_embedding_model: fats}",
      [
        '7:114 litellm_settings.cache_params.redis_semantic_cache_embedding_model: no model is named "fats". Did you mean "fast"?',
      ],
    ],
    [
      "{ttl: 5, default_in_memory_ttl: 6}",
      [
        "7:49 litellm_settings.cache_params.default_in_memory_ttl: says 6, and litellm_settings.cache_params.ttl says 5; keep one of the two",
      ],
    ],
    [
      "{supported_call_types: [speech]}",
      [
        "7:41 litellm_settings.cache_params.supported_call_types[0]: is no kind of calls that can be cached. It is one of completion, responses, anthropic_messages, text_completion, embedding, rerank, moderation, transcription.",
      ],
    ],
  ])("%s", (params, lines) => {
    expect(report(cached(params))).toEqual(lines);
  });

  test("parameters of a cache that is not on", () => {
    expect(report(withModel("litellm_settings: {cache_params: {ttl: 5}}\n"))).toEqual([
      "5:34 litellm_settings.cache_params: has no effect alone; add cache: true",
    ]);
  });
});
