import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import { cooldownSchema } from "./health/cooldown-options.ts";
import { probeSchema } from "./health/probe-options.ts";
import { hedgeSchema } from "./hedge/hedge-options.ts";

const MOST = 100;
const LONGEST_MS = 3_600_000;

const count = z.int().min(0).max(MOST);
const duration = z.number().min(0).max(LONGEST_MS);
const share = z.number().min(0).max(1);
const names = z.array(z.string().min(1));
const chains = z.record(z.string(), names);
const perClass = {
  badRequest: count.exactOptional(),
  authentication: count.exactOptional(),
  timeout: count.exactOptional(),
  rateLimit: count.exactOptional(),
  contentPolicy: count.exactOptional(),
  internalServer: count.exactOptional(),
};
const retryPolicy = z.strictObject(perClass);

const schema = z.strictObject({
  fallbacks: chains.exactOptional(),
  contextWindowFallbacks: chains.exactOptional(),
  contentPolicyFallbacks: chains.exactOptional(),
  budgetFallbacks: chains.exactOptional(),
  rateLimitFallbacks: chains.exactOptional(),
  defaultFallbacks: names.exactOptional(),
  maxFallbacks: count.exactOptional(),
  retries: count.exactOptional(),
  retryAfterMs: duration.exactOptional(),
  retryPolicy: retryPolicy.exactOptional(),
  modelRetryPolicies: z.record(z.string(), retryPolicy).exactOptional(),
  retryBudget: z
    .strictObject({
      ratio: share.exactOptional(),
      minPerSecond: z.number().min(0).max(1_000_000).exactOptional(),
      windowMs: z.number().min(1_000).max(LONGEST_MS).exactOptional(),
    })
    .exactOptional(),
  cooldown: cooldownSchema.exactOptional(),
  probes: probeSchema.exactOptional(),
  continueStreams: z.boolean().exactOptional(),
  hedge: hedgeSchema.exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(options: unknown): void {
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const issue = checked.error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const name = issue.keys[0] as string;
    const known = didYouMean(name, knownAt(path));
    throw invalid(`there is no option ${JSON.stringify([...path, name].join("."))}.${known}`, [...path, name]);
  }
  throw invalid(`"${path.join(".")}": ${issue.message}`, path);
}

function invalid(message: string, path: readonly string[]): GatewayError {
  return new GatewayError("option_invalid", `fallbacks: ${message}`, { param: path.join("."), source: "fallbacks" });
}

/** The names that an options object at this path may have. */
function knownAt(path: readonly string[]): readonly string[] {
  let at: unknown = schema;
  for (const name of path) {
    const object = unwrapped(at);
    if (object instanceof z.ZodObject) at = object.shape[name];
    else if (object instanceof z.ZodRecord) at = object.valueType;
  }
  const object = unwrapped(at);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function unwrapped(type: unknown): unknown {
  return type instanceof z.ZodExactOptional ? type.unwrap() : type;
}
