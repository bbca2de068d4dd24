import { z } from "zod";
import { GatewayError } from "../../errors.ts";
import type { GuardrailRuns } from "../../guardrail.ts";
import type { NanoUsd } from "../../money.ts";
import type { Secret } from "../../secret.ts";
import type { Transport } from "../../transport.ts";
import type { FindContext, Finding } from "../text-finder.ts";
import type { FindingAction } from "../text-guardrail.ts";
import type { BreakerOptions } from "./breaker.ts";
import type { VerdictCacheOptions } from "./verdict-cache.ts";

/** When a guardrail works: requests before the call or beside it, replies, or both and it only says what it would do. */
export type RemoteGuardrailMode = "before" | "during" | "after" | "log";

/** What all guardrails can be told that ask somebody. */
export interface RemoteGuardrailOptions {
  /** By it callers turn it on or off. Several of one name are one guardrail, whose services share the work. */
  readonly name: string;
  /** For which calls. Default: for all. */
  readonly runs?: GuardrailRuns;
  /** Default: `before` and `after`. */
  readonly mode?: RemoteGuardrailMode | readonly RemoteGuardrailMode[];
  /** Only says in the trace what it would do. */
  readonly dryRun?: boolean;
  /** What becomes of what is found. Default `block`; `mask` where the service itself gives another text. */
  readonly action?: FindingAction | ((finding: Finding, context: FindContext) => FindingAction);
  /** What stands in the place of a masked piece. Default: its kind, `[EMAIL]`. */
  readonly mask?: (value: string, finding: Finding) => string;
  /** Masked pieces of requests come back in the reply. With a `key`, all processes make the same placeholders. */
  readonly reversible?: boolean | { readonly key: string };
  /** Whether a refusal says what was found. Default true. */
  readonly reasons?: boolean;
  /** Findings that are less sure are passed over, 0 to 1. Default 0. */
  readonly minConfidence?: number;
  /** For one check, and for each question of it, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number;
  /** What becomes of calls while the service gives no answer. Default `closed`: `guardrail_unavailable`, 503. */
  readonly onUnavailable?: "closed" | "open";
  /** When a service that fails is left alone. False: never. */
  readonly breaker?: false | BreakerOptions;
  /** How answers are kept. False: not at all. */
  readonly cache?: false | VerdictCacheOptions;
  /** What a question costs, in nano-US-dollars; for the trace. */
  readonly costPerQuestion?: NanoUsd;
  /** How streams are checked. Default `window`: text is released when it has been judged, piece by piece. */
  readonly streaming?: "window" | "hold" | "observe";
  /** How much text of a stream is judged at a time, in UTF-16 code units. Default 400. */
  readonly windowCharacters?: number;
  /** How much of its neighbours a piece is judged with. At most 256; default 100. */
  readonly overlapCharacters?: number;
  /** Default: the gateway's. */
  readonly transport?: Transport;
}

const names = z.array(z.string().min(1));
const mode = z.enum(["before", "during", "after", "log"]);
const isFunction = z.custom<() => unknown>((value) => typeof value === "function", "must be a function");
const count = z.int().positive();

const COMMON = {
  name: z
    .string()
    .min(1)
    .regex(/^[^-\s,][^\s,]*$/, "must have no spaces and commas, and no - in front"),
  runs: z
    .strictObject({
      defaultOn: z.boolean().optional(),
      models: names.optional(),
      keys: names.optional(),
      users: names.optional(),
      teams: names.optional(),
      organizations: names.optional(),
    })
    .optional(),
  mode: z.union([mode, z.array(mode).min(1)]).optional(),
  dryRun: z.boolean().optional(),
  action: z
    .union([z.enum(["block", "mask", "flag", "pass"]), z.strictObject({ reroute: z.string().min(1) }), isFunction])
    .optional(),
  mask: isFunction.optional(),
  reversible: z.union([z.boolean(), z.strictObject({ key: z.string().min(16) })]).optional(),
  reasons: z.boolean().optional(),
  minConfidence: z.number().min(0).max(1).optional(),
  timeoutMs: count.max(600_000).optional(),
  onUnavailable: z.enum(["closed", "open"]).optional(),
  breaker: z
    .union([z.literal(false), z.strictObject({ failures: count.optional(), pauseMs: count.optional() })])
    .optional(),
  cache: z.union([z.literal(false), z.strictObject({ entries: count.optional(), ttlMs: count.optional() })]).optional(),
  costPerQuestion: z.bigint().nonnegative().optional(),
  streaming: z.enum(["window", "hold", "observe"]).optional(),
  windowCharacters: count.min(16).optional(),
  overlapCharacters: z.int().min(0).max(256).optional(),
  transport: z.custom<Transport>((value) => typeof (value as Transport)?.send === "function").optional(),
};

/**
 * Refuses what is misspelt or would not do what is meant.
 *
 * @param own the options of these guardrails besides {@link RemoteGuardrailOptions}, as shapes of zod
 * @throws {GatewayError} `option_invalid`, with the source as its source
 */
export function checkRemoteOptions(
  source: string,
  list: readonly RemoteGuardrailOptions[],
  own: Readonly<Record<string, z.ZodType>>,
): void {
  const refused = (message: string): GatewayError =>
    new GatewayError("option_invalid", `${source}: ${message}`, { source });
  const parsed = z
    .array(z.strictObject({ ...COMMON, ...own }))
    .min(1)
    .safeParse(list);
  const [issue] = parsed.error?.issues ?? [];
  if (issue !== undefined) throw refused(`${z.core.toDotPath(issue.path)}: ${issue.message}`);
  for (const { name, mode: modes = [], action, reversible } of list) {
    const named = JSON.stringify(name);
    if (reversible && action !== undefined && action !== "mask" && typeof action !== "function") {
      throw refused(`${named} is reversible, but does not mask`);
    }
    if (action === "mask" && [modes].flat().includes("during")) {
      throw refused(`${named} masks, which it cannot do beside the call; use "before"`);
    }
  }
}

/** Shapes of options that many remote guardrails have. */
export const REMOTE_SHAPES: {
  /** An address of http or https without credentials. */
  readonly url: z.ZodType<string>;
  /** A `Secret`, so that no log shows it. */
  readonly secret: z.ZodType<Secret>;
} = {
  url: z.string().refine((text) => {
    const url = URL.parse(text);
    return (url?.protocol === "https:" || url?.protocol === "http:") && url.username === "" && url.password === "";
  }, "must be an address of http or https, without credentials"),
  secret: z.custom<Secret>(
    (value) =>
      typeof (value as Secret)?.reveal === "function" &&
      /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test((value as Secret).reveal()),
    "must be a Secret, of characters that headers can carry",
  ),
};
