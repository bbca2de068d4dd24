import { z } from "zod";
import type { OperationName } from "@signalbox/kernel";
import { didYouMean } from "@signalbox/kernel";

// The kinds of values that keys about caching take. Every message completes the sentence "<key> …".

const expected = (what: string): { readonly error: string } => ({ error: `must be ${what}` });

const KINDS = ["local", "redis", "redis-semantic"] as const;

/** Where answers are kept. */
export type CacheKind = (typeof KINDS)[number];

/** Caches that exist elsewhere. */
const LATER: readonly string[] = ["qdrant-semantic", "valkey-semantic", "s3", "gcs", "azure-blob", "disk"];

export const cacheKind: z.ZodType<CacheKind> = z.string(expected("the name of a cache")).transform((word, context) => {
  const known = KINDS.find((kind) => kind === word);
  if (known !== undefined) return known;
  const message = LATER.includes(word)
    ? `needs the plugin "cache-${word}", which this gateway does not have; it is one of ${KINDS.join(", ")}`
    : `is not the name of a cache.${didYouMean(word, [...KINDS, ...LATER]) || ` It is one of ${KINDS.join(", ")}.`}`;
  context.issues.push({ code: "custom", message, input: word });
  return z.NEVER;
});

const MODES = ["default_on", "default_off"] as const;
export const cacheMode: z.ZodType<(typeof MODES)[number]> = z.enum(MODES, expected(MODES.join(" or ")));

const SCOPES = ["key", "team", "organization", "gateway"] as const;
export const cacheScope: z.ZodType<(typeof SCOPES)[number]> = z.enum(SCOPES, expected(`one of ${SCOPES.join(", ")}`));

const UNREACHABLE = ["fail", "wait", "skip"] as const;
export const onUnreachable: z.ZodType<(typeof UNREACHABLE)[number]> = z.enum(
  UNREACHABLE,
  expected(`one of ${UNREACHABLE.join(", ")}`),
);

/** Kinds of calls, by the names of functions. With an `a` in front it is the same. */
const OPERATIONS: Readonly<Record<string, OperationName>> = {
  completion: "chat",
  responses: "chat",
  anthropic_messages: "chat",
  text_completion: "complete",
  embedding: "embed",
  rerank: "rerank",
  moderation: "moderate",
  transcription: "transcribe",
};
const CALL_TYPES: Readonly<Record<string, OperationName>> = {
  ...OPERATIONS,
  ...Object.fromEntries(Object.entries(OPERATIONS).map(([name, operation]) => [`a${name}`, operation])),
};

export const callTypes: z.ZodType<readonly OperationName[]> = z
  .array(
    z.string(expected("the name of a kind of calls")).transform((word, context) => {
      const operation = Object.hasOwn(CALL_TYPES, word) ? CALL_TYPES[word] : undefined;
      if (operation !== undefined) return operation;
      const hint = didYouMean(word, Object.keys(CALL_TYPES)) || ` It is one of ${Object.keys(OPERATIONS).join(", ")}.`;
      context.issues.push({ code: "custom", message: `is no kind of calls that can be cached.${hint}`, input: word });
      return z.NEVER;
    }),
    expected("a list of kinds of calls"),
  )
  .transform((operations) => [...new Set(operations)]);

/** A server, and how to reach it. */
export interface NodeValues {
  readonly host: string;
  readonly port: number;
}

const nodePort = z.coerce.number().int().gte(1).lte(65_535);
const node = z.union(
  [z.strictObject({ host: z.string().min(1), port: nodePort }), z.tuple([z.string().min(1), nodePort])],
  expected('a host and its port: {host: "redis-1", port: 6379}, or ["redis-1", 6379]'),
);

export const nodes: z.ZodType<readonly NodeValues[]> = z
  .array(node, expected("a list of hosts and ports"))
  .min(1, expected("a list with at least one host and its port"))
  .transform((list) => list.map((one) => ("host" in one ? one : { host: one[0], port: one[1] })));

/** The cosine of two meanings. */
export const similarity: z.ZodType<number> = z
  .number(expected("a number above 0, up to 1"))
  .gt(0, expected("a number above 0, up to 1"))
  .lte(1, expected("a number above 0, up to 1"));

const CERTIFICATES = ["required", "none"] as const;
export const certificates: z.ZodType<(typeof CERTIFICATES)[number]> = z.enum(
  CERTIFICATES,
  expected(CERTIFICATES.join(" or ")),
);

/** What `cache_params` holds once it has been checked. */
export interface CacheValues {
  readonly type?: CacheKind;
  readonly mode?: (typeof MODES)[number];
  readonly ttl?: number;
  readonly default_in_memory_ttl?: number;
  readonly default_in_redis_ttl?: number;
  readonly stale_ttl?: number;
  readonly scope?: (typeof SCOPES)[number];
  readonly namespace?: string;
  readonly supported_call_types?: readonly OperationName[];
  readonly max_connections?: number;
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly redis_startup_nodes?: readonly NodeValues[];
  readonly sentinel_nodes?: readonly NodeValues[];
  readonly service_name?: string;
  readonly sentinel_password?: string;
  readonly ssl?: boolean;
  readonly ssl_cert_reqs?: (typeof CERTIFICATES)[number];
  readonly ssl_check_hostname?: boolean;
  readonly ssl_ca_certs?: string;
  readonly ssl_certfile?: string;
  readonly ssl_keyfile?: string;
  readonly on_unreachable?: (typeof UNREACHABLE)[number];
  readonly similarity_threshold?: number;
  readonly redis_semantic_cache_embedding_model?: string;
}
