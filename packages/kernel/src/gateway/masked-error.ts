import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import { isSecretName, maskSecret, redactText } from "../http/redact.ts";
import type { HeaderList } from "../transport.ts";

/** Shorter values are words, and masking them would spoil sentences. */
const SHORTEST = 8;

/** Credentials that an attempt has sent, whatever they look like: a vendor may repeat what it refused. */
export function sentSecrets({ apiKey, extraBody }: Deployment, headers: HeaderList): readonly string[] {
  const secrets = apiKey === undefined ? [] : [apiKey.reveal()];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    // the scheme of a credential is not secret
    if (isSecretName(headers[at] as string)) secrets.push((headers[at + 1] as string).replace(/^[A-Za-z]{1,16} /, ""));
  }
  for (const name in extraBody) {
    const value = extraBody[name];
    if (typeof value === "string" && isSecretName(name)) secrets.push(value);
  }
  return [...new Set(secrets)]
    .filter(({ length }) => length >= SHORTEST)
    .sort((one, other) => other.length - one.length);
}

/** The same error without these secrets; where its words are a vendor's, also without whatever looks like a credential. */
export function maskedError(error: GatewayError, secrets: readonly string[]): GatewayError {
  const foreign = error.upstreamStatus !== undefined;
  const mask = (text: string): string => {
    let safe = text;
    for (const secret of secrets) safe = safe.replaceAll(secret, () => maskSecret(secret));
    return foreign ? redactText(safe) : safe;
  };
  const message = mask(error.message);
  const param = error.param === undefined ? undefined : mask(error.param);
  const details = masked(error.details, mask) as GatewayError["details"];
  if (message === error.message && param === error.param && details === error.details) return error;
  return new GatewayError(error.code, message, { ...error, param, details, cause: error.cause });
}

/** The same value if there was nothing to mask. */
function masked(value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === "string") return mask(value);
  if (typeof value !== "object" || value === null) return value;
  let changed = false;
  const entries = Object.entries(value).map(([name, member]): [string, unknown] => {
    const safe = masked(member, mask);
    changed ||= safe !== member;
    return [name, safe];
  });
  if (!changed) return value;
  return Array.isArray(value) ? entries.map(([, member]) => member) : Object.fromEntries(entries);
}
