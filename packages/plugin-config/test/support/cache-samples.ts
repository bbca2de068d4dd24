import { fileURLToPath } from "node:url";
import type { KeySample } from "./key-samples.ts";

const CACHE = "litellm_settings.cache_params";
const LOCAL = { "litellm_settings.cache": true };
const REDIS = { ...LOCAL, [`${CACHE}.type`]: "redis", [`${CACHE}.host`]: "cache" };
const BARE = { ...LOCAL, [`${CACHE}.type`]: "redis" };
const SENTINELS = { ...BARE, [`${CACHE}.sentinel_nodes`]: [["sentinel", 26379]], [`${CACHE}.service_name`]: "primary" };
const SECURE = { ...REDIS, [`${CACHE}.ssl`]: true };
const SEMANTIC = {
  ...REDIS,
  [`${CACHE}.type`]: "redis-semantic",
  [`${CACHE}.similarity_threshold`]: 0.9,
  [`${CACHE}.redis_semantic_cache_embedding_model`]: "one",
};

const A_FILE = fileURLToPath(new URL("../fixtures/small.yaml", import.meta.url));

const beside = (others: Readonly<Record<string, unknown>>, samples: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(samples).map(([key, value]) => [`${CACHE}.${key}`, { value, beside: others }]));

/** One for every supported key about caching. */
export const CACHE_SAMPLES: Readonly<Record<string, KeySample>> = {
  "litellm_settings.cache": { value: true },
  "litellm_settings.enable_caching_on_provider_specific_optional_params": { value: true },
  [`${CACHE}.type`]: { value: "redis", beside: { ...LOCAL, [`${CACHE}.host`]: "cache" } },
  ...beside(LOCAL, {
    mode: "default_off",
    ttl: 60,
    default_in_memory_ttl: 60,
    stale_ttl: 30,
    scope: "key",
    supported_call_types: ["acompletion", "embedding"],
  }),
  ...beside(BARE, {
    url: "redis://cache:6379/1",
    host: "cache",
    redis_startup_nodes: [{ host: "one", port: "7001" }],
  }),
  ...beside(REDIS, {
    default_in_redis_ttl: 60,
    namespace: "answers",
    port: 6380,
    username: "gateway",
    password: "hush",
    db: 2,
    max_connections: 20,
    ssl: true,
    on_unreachable: "skip",
  }),
  [`${CACHE}.sentinel_nodes`]: {
    value: [["sentinel", 26379]],
    beside: { ...BARE, [`${CACHE}.service_name`]: "primary" },
  },
  [`${CACHE}.service_name`]: {
    value: "primary",
    beside: { ...BARE, [`${CACHE}.sentinel_nodes`]: [["sentinel", 26379]] },
  },
  ...beside(SENTINELS, { sentinel_password: "hush" }),
  ...beside(SECURE, {
    ssl_cert_reqs: "none",
    ssl_check_hostname: false,
    ssl_ca_certs: A_FILE,
    ssl_certfile: A_FILE,
    ssl_keyfile: A_FILE,
  }),
  ...beside(SEMANTIC, { similarity_threshold: 0.8, redis_semantic_cache_embedding_model: "two" }),
};
