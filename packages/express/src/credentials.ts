import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Credentials } from "@signalbox/kernel";
import type { AccessPolicy } from "./access-policy.ts";

/** What a client presented, wherever its library puts the key. */
export function credentialsOf(request: IncomingMessage): Credentials {
  const { headers } = request;
  return { key: presentedKey(headers), headers, remoteAddress: request.socket.remoteAddress };
}

/**
 * The same, as an operator wants it: from headers of its own, from addresses that may call.
 *
 * @throws {GatewayError} `ip_not_allowed`
 */
export function policedCredentials(request: IncomingMessage, policy: AccessPolicy): Credentials {
  const { headers } = request;
  const remoteAddress = policy.addressOf(request);
  policy.checkAddress(remoteAddress);
  const name = policy.keyHeaders.find((each) => headers[each] !== undefined);
  const own = name === undefined ? undefined : text(headers[name]);
  // nobody behind this place is to take it for something else
  if (name !== undefined) delete headers[name];
  const key = own === undefined ? presentedKey(headers) : (withoutScheme(own) ?? own);
  return { key, headers, remoteAddress };
}

/** The gateway's own header wins: `Authorization` may then hold something that is meant for the provider. */
function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const own = headers["x-signalbox-api-key"] ?? headers["x-litellm-api-key"];
  if (own !== undefined) return withoutScheme(own as string) ?? (own as string);
  const { authorization } = headers;
  const bearer = authorization === undefined ? undefined : withoutScheme(authorization);
  return bearer ?? text(headers["x-api-key"]) ?? text(headers["api-key"]) ?? text(headers["x-goog-api-key"]);
}

/** Node joins repeated headers of these names into one text; a key that was sent twice is no key. */
function text(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

const SPACE = 0x20;

/** The token of `Bearer <token>`; the scheme's case does not count (RFC 9110, section 11.1). */
function withoutScheme(value: string): string | undefined {
  if (value.length < 8 || value.charCodeAt(6) !== SPACE) return undefined;
  const scheme = value.slice(0, 6);
  if (scheme !== "Bearer" && scheme.toLowerCase() !== "bearer") return undefined;
  return value.slice(7).trim();
}
