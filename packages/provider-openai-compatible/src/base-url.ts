import type { ErrorCode } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Host } from "./host.ts";
import type { Environment } from "./hosts.ts";
import { firstSet, isSet, placeholders } from "./hosts.ts";

/** What a base URL that somebody typed is completed with. */
export interface BaseUrlRule {
  /** Put after an address without a path. */
  readonly pathPrefix: string;
  /** For an address without a port, as some variables have it. */
  readonly port?: string;
}

/**
 * An address as a user gives it, in the form requests need:
 *
 * | given | becomes |
 * |---|---|
 * | `http://localhost:11434` | `http://localhost:11434/v1`: no path, so the host's prefix is put after it |
 * | `http://localhost:11434/v1/` | `http://localhost:11434/v1` |
 * | `https://host.example/v1/chat/completions` | `https://host.example/v1` |
 * | `127.0.0.1:11434`, `0.0.0.0` | `http://127.0.0.1:11434/v1` |
 *
 * @throws {GatewayError} with `code` naming `where` it stands, when it is no address
 */
export function completeBaseUrl(given: string, rule: BaseUrlRule, where: string, code: ErrorCode): string {
  const text = given.trim();
  const bare = !/^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const url = URL.parse(bare ? `http://${text}` : text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:") || text === "") {
    throw new GatewayError(code, `${where}: ${JSON.stringify(given)} is not an http address`);
  }
  // An address to listen at is not one to connect to.
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (bare && url.port === "" && rule.port !== undefined) url.port = rule.port;
  const path = url.pathname.replace(/\/+$/, "").replace(/\/chat\/completions$/, "");
  return `${url.origin}${path === "" ? rule.pathPrefix : path}${url.search}`;
}

export function ruleOf(host: Host): BaseUrlRule {
  const port = /:(\d+)/.exec(host.baseUrl)?.[1];
  return { pathPrefix: host.pathPrefix, ...(port !== undefined && { port }) };
}

/** A host's own address in an environment, or the names of the variables that are missing. */
export function hostBaseUrl(host: Host, env: Environment): string | { readonly missing: readonly string[] } {
  const given = firstSet(host.baseUrlEnv, env);
  if (given !== undefined)
    return completeBaseUrl(given, ruleOf(host), host.baseUrlEnv?.join(" or ") ?? "", "option_invalid");
  const names = placeholders(host.baseUrl);
  const missing = names.filter((name) => !isSet(env[name]));
  if (missing.length > 0) return { missing };
  if (names.length === 0) return host.baseUrl;
  const filled = host.baseUrl.replace(/\{(\w+)\}/g, (_, name: string) => (env[name] ?? "").trim().replace(/\/+$/, ""));
  return completeBaseUrl(
    filled.replace(/^https:\/\/https?:\/\//, "https://"),
    { pathPrefix: "" },
    names.join(),
    "option_invalid",
  );
}
