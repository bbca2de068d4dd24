import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";

const LEAST_LEASE_MS = 100;
const LONGEST_LEASE_MS = 3_600_000;
const MOST_PROCESSES = 10_000;
/** Up to here counters in doubles, in units times milliseconds of a minute, are exact. */
const MOST_UNITS = 10_000_000_000;

const units = z.int().min(0).max(MOST_UNITS).exactOptional();
const tokens = z.enum(["total", "input", "output"]).exactOptional();
const limit = z.strictObject({ requestsPerMinute: units, tokensPerMinute: units, tokens, parallel: units });
const perModel = z.record(z.string().min(1), limit).exactOptional();

const schema = z.strictObject({
  gateway: limit.exactOptional(),
  models: perModel,
  keys: limit.exactOptional(),
  users: limit.exactOptional(),
  teams: limit.exactOptional(),
  organizations: limit.exactOptional(),
  customers: limit.exactOptional(),
  keyModels: perModel,
  teamModels: perModel,
  rules: z.custom((value) => typeof value === "function", "must be a function").exactOptional(),
  tokens,
  onStoreFailure: z.enum(["local", "closed"]).exactOptional(),
  processes: z.int().min(1).max(MOST_PROCESSES).exactOptional(),
  leaseMs: z.int().min(LEAST_LEASE_MS).max(LONGEST_LEASE_MS).exactOptional(),
  keyHeaders: z.boolean().exactOptional(),
  store: z.custom(isStore, "must be a limit store").exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(options: unknown): void {
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const issue = checked.error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const name = issue.keys[0] as string;
    const known = didYouMean(name, Object.keys(path.length === 0 ? schema.shape : limit.shape));
    throw invalid(`there is no option ${JSON.stringify([...path, name].join("."))}.${known}`, [...path, name]);
  }
  throw invalid(`"${path.join(".")}": ${issue.message}`, path);
}

function invalid(message: string, path: readonly string[]): GatewayError {
  return new GatewayError("option_invalid", `limits: ${message}`, { param: path.join("."), source: "limits" });
}

function isStore(value: unknown): boolean {
  const { take, release, renew } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return [take, release, renew].every((each) => typeof each === "function");
}
