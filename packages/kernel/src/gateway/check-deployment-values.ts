import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";

/** A kind of value: what fits it, and how it is described. */
interface ValueKind {
  readonly fits: (value: unknown) => boolean;
  readonly wanted: string;
}

const COUNT: ValueKind = {
  fits: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  wanted: "a whole number above 0; leave it out for no limit",
};
const DURATION: ValueKind = {
  fits: (value) => Number.isFinite(value) && (value as number) > 0,
  wanted: "a number of milliseconds above 0; leave it out for the gateway's",
};
const TEXT: ValueKind = {
  fits: (value) => typeof value === "string" && value !== "",
  wanted: "a text that is not empty; leave it out for none",
};
const TEXTS: ValueKind = {
  fits: (value) => Array.isArray(value) && value.every((text) => TEXT.fits(text)),
  wanted: "a list of texts, none of them empty",
};
const TRUTH: ValueKind = { fits: (value) => typeof value === "boolean", wanted: "true or false" };
const OBJECT: ValueKind = {
  fits: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  wanted: "an object",
};

const KINDS: Readonly<Partial<Record<keyof Deployment, ValueKind>>> = {
  baseUrl: TEXT,
  headers: OBJECT,
  timeoutMs: DURATION,
  streamTimeoutMs: DURATION,
  idleTimeoutMs: DURATION,
  dropParams: TRUTH,
  additionalDropParams: TEXTS,
  allowedParams: TEXTS,
  extraBody: OBJECT,
  weight: {
    fits: (value) => Number.isFinite(value) && (value as number) >= 0,
    wanted: "a number of at least 0",
  },
  order: { fits: Number.isSafeInteger, wanted: "a whole number" },
  rpm: COUNT,
  tpm: COUNT,
  maxParallel: COUNT,
  maxRetries: {
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
    wanted: "a whole number of at least 0",
  },
  teamId: TEXT,
  region: TEXT,
  tags: TEXTS,
  settings: OBJECT,
  info: OBJECT,
};

/** @throws {GatewayError} `deployment_invalid` naming field, value and remedy */
export function checkDeploymentValues(deployment: Deployment): void {
  for (const [field, { fits, wanted }] of Object.entries(KINDS)) {
    const value = deployment[field as keyof Deployment];
    if (value === undefined || fits(value)) continue;
    throw new GatewayError(
      "deployment_invalid",
      `deployment ${JSON.stringify(deployment.id)} has the ${field} ${shown(value)}; it must be ${wanted}`,
      { param: "deployments" },
    );
  }
}

/** Objects may hold secrets. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "[…]" : "{…}";
}
