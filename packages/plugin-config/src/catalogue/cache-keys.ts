import {
  cacheKind,
  cacheMode,
  cacheScope,
  callTypes,
  certificates,
  nodes,
  onUnreachable,
  similarity,
} from "../cache-values.ts";
import { port, redisUrl } from "../money-values.ts";
import { wholeAboveZero } from "../routing-values.ts";
import { flag, integer, seconds, text } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, supported } from "./key.ts";

const LITELLM = "litellm_settings";
const CACHE = `${LITELLM}.cache_params`;

/** What is answered without asking a model. */
export const CACHE_KEYS: readonly ConfigKey[] = [
  supported(`${LITELLM}.cache`, flag, "Answer the same request without asking again. Default false."),
  supported(`${CACHE}.type`, cacheKind, "Where answers are kept: `local` (default), `redis`, `redis-semantic`."),
  supported(`${CACHE}.mode`, cacheMode, "`default_off`: only requests that say `use-cache`. Default `default_on`."),
  supported(`${CACHE}.ttl`, seconds, "Seconds for which an answer is good. Default 3600."),
  supported(`${CACHE}.default_in_memory_ttl`, seconds, "The same, for `local`."),
  supported(`${CACHE}.default_in_redis_ttl`, seconds, "The same, for `redis`."),
  supported(`${CACHE}.stale_ttl`, seconds, "Seconds for which it is served once more, while it is asked for anew."),
  supported(`${CACHE}.scope`, cacheScope, "Who shares answers: `key`, `team` (default), `organization`, `gateway`."),
  supported(`${CACHE}.supported_call_types`, callTypes, "Only these kinds of calls: `acompletion`, `aembedding`, …"),
  supported(`${CACHE}.namespace`, text, "Begins the keys in Redis. Default `signalbox`."),
  supported(`${CACHE}.url`, redisUrl, "Where Redis is. Default: `REDIS_URL`, else `REDIS_HOST` and the like."),
  supported(`${CACHE}.host`, text, "The same in parts: its host."),
  supported(`${CACHE}.port`, port, "Default `REDIS_PORT`, else 6379."),
  supported(`${CACHE}.username`, text, "Who logs in. Default `REDIS_USERNAME`."),
  supported(`${CACHE}.password`, text, "The password. Default `REDIS_PASSWORD`."),
  supported(`${CACHE}.db`, integer, "Number of the database. Default `REDIS_DB`, else 0."),
  supported(`${CACHE}.max_connections`, wholeAboveZero, "Changes nothing: one connection serves all calls."),
  supported(`${CACHE}.redis_startup_nodes`, nodes, "Nodes of a Redis Cluster, which tell of the others."),
  supported(`${CACHE}.sentinel_nodes`, nodes, "Sentinels, which know the primary."),
  supported(`${CACHE}.service_name`, text, "Of the primary, as the sentinels know it."),
  supported(`${CACHE}.sentinel_password`, text, "The password of the sentinels."),
  supported(`${CACHE}.ssl`, flag, "TLS. `false` is plain TCP. Default: what the address says."),
  supported(`${CACHE}.ssl_cert_reqs`, certificates, "`none`: every certificate will do. Default `required`."),
  supported(`${CACHE}.ssl_check_hostname`, flag, "Whether the certificate must name the host. Default true."),
  supported(`${CACHE}.ssl_ca_certs`, text, "File with the certificates of who signs."),
  supported(`${CACHE}.ssl_certfile`, text, "File with a certificate of our own."),
  supported(`${CACHE}.ssl_keyfile`, text, "File with its key."),
  supported(
    `${CACHE}.on_unreachable`,
    onUnreachable,
    "At start: `fail` (default), `wait`, or `skip` the cache till then.",
  ),
  supported(`${CACHE}.similarity_threshold`, similarity, "From which cosine on questions mean the same."),
  supported(`${CACHE}.redis_semantic_cache_embedding_model`, text, "The model that turns questions into vectors."),
  supported(
    `${LITELLM}.enable_caching_on_provider_specific_optional_params`,
    flag,
    "Changes nothing: every parameter is part of the cache key.",
  ),

  ...later(
    "cache-qdrant-semantic",
    CACHE,
    `qdrant_semantic_cache_embedding_model qdrant_api_base qdrant_api_key qdrant_collection_name
     qdrant_quantization_config`,
  ),
  ...later(
    "cache-s3",
    CACHE,
    `s3_bucket_name s3_region_name s3_api_version s3_path s3_endpoint_url s3_aws_access_key_id
     s3_aws_secret_access_key s3_aws_session_token`,
  ),
  ...later("cache-gcs", CACHE, "gcs_bucket_name gcs_path_service_account gcs_path"),
  ...later("cache-azure-blob", CACHE, "azure_account_url azure_blob_container"),
  ...later("cache-disk", CACHE, "disk_cache_dir"),
];
