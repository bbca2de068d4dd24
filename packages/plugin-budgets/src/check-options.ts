import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";

const MOST_OUTPUT_TOKENS = 10_000_000;

const amount = z.bigint().min(0n);
const name = z.string().min(1);

const scope = z.strictObject({ kind: name, id: name, model: name.exactOptional() });

const rule = z.strictObject({
  scope,
  limit: amount.nullable(),
  duration: z
    .string()
    .regex(/^[1-9]\d{0,5}(s|m|h|d|w|mo)$/, "expected a duration such as 30s, 30m, 24h, 7d, 1w or 1mo")
    .exactOptional(),
  timezone: z.string().refine(isZone, "expected an IANA time zone such as Africa/Johannesburg").exactOptional(),
  soft: amount.exactOptional(),
  increase: z.strictObject({ by: amount, until: z.number().min(0) }).exactOptional(),
});

const schema = z.strictObject({
  budgets: z.array(rule).exactOptional(),
  timezone: z.string().refine(isZone, "expected an IANA time zone such as Africa/Johannesburg").exactOptional(),
  thresholds: z.array(z.number().gt(0).max(1)).exactOptional(),
  unknownPrice: amount.exactOptional(),
  unseenTokens: z.int().min(0).max(1_000_000).exactOptional(),
  streamCost: z.boolean().exactOptional(),
  keyHeaders: z.boolean().exactOptional(),
  defaultMaxOutputTokens: z.int().min(1).max(MOST_OUTPUT_TOKENS).exactOptional(),
  clampOutputTokens: z.boolean().exactOptional(),
  fitOutputTokens: z
    .custom((value) => typeof value === "boolean" || typeof value === "function", "must be a boolean or a function")
    .exactOptional(),
});

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(options: unknown): void {
  const checked = schema.safeParse(options);
  if (checked.success) {
    for (const [index, { scope: of }] of (checked.data.budgets ?? []).entries()) {
      if (of.kind === "gateway" && of.id !== "gateway") {
        const path = ["budgets", String(index), "scope", "id"];
        throw invalid(`"${path.join(".")}": the gateway's id is "gateway"`, path);
      }
    }
    return;
  }
  const issue = checked.error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const unknown = issue.keys[0] as string;
    const known = didYouMean(unknown, knownAt(path));
    throw invalid(`there is no option ${JSON.stringify([...path, unknown].join("."))}.${known}`, [...path, unknown]);
  }
  throw invalid(`"${path.join(".")}": ${issue.message}`, path);
}

function invalid(message: string, path: readonly string[]): GatewayError {
  return new GatewayError("option_invalid", `budgets: ${message}`, { param: path.join("."), source: "budgets" });
}

/** The names that an object at this path may have. */
function knownAt(path: readonly string[]): readonly string[] {
  let at: unknown = schema;
  for (const step of path) {
    const inner = unwrapped(at);
    if (inner instanceof z.ZodObject) at = inner.shape[step];
    else if (inner instanceof z.ZodArray) at = inner.element;
  }
  const object = unwrapped(at);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function unwrapped(type: unknown): unknown {
  return type instanceof z.ZodExactOptional ? type.unwrap() : type;
}
