import type { Call } from "../call.ts";
import { GatewayError } from "../errors.ts";
import { isJsonObject } from "../http/json-object.ts";
import { didYouMean } from "../nearest.ts";

/** What a request wants of the cache. */
export interface CacheControls {
  /** Do not read. */
  readonly noCache?: boolean;
  /** Do not write. */
  readonly noStore?: boolean;
  /** How long to keep the answer, in seconds. */
  readonly ttl?: number;
  /** How old a found answer may be, in seconds. */
  readonly maxAge?: number;
  readonly namespace?: string;
  /** Where nothing is cached unless asked for. */
  readonly useCache?: boolean;
}

type Controls = { -readonly [Name in keyof CacheControls]: CacheControls[Name] };

const NONE: CacheControls = {};
const NAMESPACE = /^[\w.:-]{1,128}$/;

/** Members of `cache` in a body, and the words that grants use for them. */
const MEMBERS: Readonly<Record<string, (controls: Controls, value: unknown, name: string) => void>> = {
  "no-cache": (controls, value, name) => setFlag(controls, "noCache", value, name),
  "no-store": (controls, value, name) => setFlag(controls, "noStore", value, name),
  "use-cache": (controls, value, name) => setFlag(controls, "useCache", value, name),
  ttl: (controls, value, name) => setSeconds(controls, "ttl", value, name),
  "s-maxage": (controls, value, name) => setSeconds(controls, "maxAge", value, name),
  "s-max-age": (controls, value, name) => setSeconds(controls, "maxAge", value, name),
  namespace(controls, value, name) {
    if (typeof value !== "string" || !NAMESPACE.test(value)) {
      throw invalid(name, "1 to 128 letters, digits and . : _ -");
    }
    controls.namespace = value;
  },
};

/**
 * Reads the member `cache` of a body, and the header `cache-control`; where both speak, the member counts.
 *
 * @throws {GatewayError} `invalid_request` naming the member, `route_not_allowed` for what the caller was not granted
 */
export function cacheControls({ options, principal }: Call): CacheControls {
  const wish = options.extensions?.cache;
  const header = options.cacheControl;
  if (wish === undefined && header === undefined) return NONE;
  const controls: Controls = header === undefined ? {} : fromHeader(header, principal.cacheControls);
  if (wish === undefined) return controls;
  if (!isJsonObject(wish)) {
    throw new GatewayError("invalid_request", "cache must be an object", { param: "cache" });
  }
  for (const [name, value] of Object.entries(wish)) {
    const read = MEMBERS[name];
    if (read === undefined || !Object.hasOwn(MEMBERS, name)) {
      const hint = didYouMean(name, Object.keys(MEMBERS));
      throw new GatewayError("invalid_request", `cache has no member ${JSON.stringify(name)}.${hint}`, {
        param: `cache.${name}`,
      });
    }
    if (value === null) continue;
    read(controls, value, name);
    if (value !== false && !granted(principal.cacheControls, name)) throw notGranted(name);
  }
  return controls;
}

/** Of a header that any client library or proxy may add, only what is granted counts, and the rest is not an error. */
function fromHeader(header: string, grants: readonly string[] | undefined): Controls {
  const controls: Controls = {};
  for (const directive of header.toLowerCase().split(",")) {
    const [name = "", value = ""] = directive.trim().split("=");
    if (name === "no-cache" && granted(grants, name)) controls.noCache = true;
    else if (name === "no-store" && granted(grants, name)) controls.noStore = true;
    else if ((name === "max-age" || name === "s-maxage") && /^\d{1,9}$/.test(value) && granted(grants, "s-maxage")) {
      controls.maxAge = Number(value);
    }
  }
  return controls;
}

function granted(grants: readonly string[] | undefined, name: string): boolean {
  if (grants === undefined || grants.includes(name)) return true;
  return name === "s-max-age" && grants.includes("s-maxage");
}

function setFlag(controls: Controls, control: "noCache" | "noStore" | "useCache", value: unknown, name: string): void {
  if (typeof value !== "boolean") throw invalid(name, "true or false");
  controls[control] = value;
}

function setSeconds(controls: Controls, control: "ttl" | "maxAge", value: unknown, name: string): void {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw invalid(name, "a number of seconds of at least 0");
  }
  controls[control] = value;
}

function invalid(name: string, must: string): GatewayError {
  return new GatewayError("invalid_request", `cache.${name} must be ${must}`, { param: `cache.${name}` });
}

function notGranted(name: string): GatewayError {
  return new GatewayError("route_not_allowed", `this key may not use cache.${name}`, { param: `cache.${name}` });
}
