const MASK = "[secret]";

/**
 * What credentials look like. Every pattern is linear: nothing unbounded is followed by something that must match,
 * except where it starts only at the start of a run.
 */
const KEY_SHAPES: readonly RegExp[] = [
  // OpenAI, Anthropic, OpenRouter, DeepSeek, …; vendors mask with asterisks, which does not make it public
  /\b(?:sk|pk|rk|csk|xai|pplx|nvapi|gsk|hf|r8|fw|tgp_v1|ghp|gho|ghs|github_pat|glpat|xox[abprs])[-_][A-Za-z0-9_*-]{8,}/g,
  /\bAIza[A-Za-z0-9_-]{16,}/g,
  /\bya29\.[A-Za-z0-9_.-]{8,}/g,
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}/g,
  // JSON web tokens
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)?/g,
];

const AUTH_SCHEME = /\b((?:Bearer|Basic)\s{1,4})([A-Za-z0-9._~+/=*-]{8,})/gi;
/** "Bearer authentication" is no credential. */
const WORD = /^[A-Za-z]{1,19}\.?$/;
const QUERY_VALUE =
  /([?&;](?:key|api[-_]?key|token|access[-_]token|refresh[-_]token|id[-_]token|client[-_]secret|code|secret|password|sig|signature|x-amz-[a-z-]{1,40})=)[^&;\s"'<>#]+/gi;
const NAMED_VALUE =
  /((?:api[-_]?key|access[-_]?token|client[-_]?secret|secret[-_]?access[-_]?key|password|authorization)["']?\s{0,4}[:=]\s{0,4}["']?)([A-Za-z0-9._~+/=*-]{12,})/gi;
const URL_CREDENTIALS = /(:\/\/)[^\s/?#@]{1,1024}@/g;

/**
 * A recognisable rest of a credential: its public prefix and last four characters (`sk-...cdef`).
 * Short ones vanish altogether.
 */
export function maskSecret(secret: string): string {
  if (secret.length < 12) return "***";
  const prefix = /^[A-Za-z0-9]{1,8}[-_]/.exec(secret)?.[0] ?? "";
  return `${prefix}...${secret.slice(-4)}`;
}

/**
 * Masks whatever looks like a credential, and every given secret wherever it stands.
 * For error texts, logs and explanations; not for bodies on their way.
 */
export function redactText(text: string, secrets: readonly string[] = []): string {
  let safe = text;
  for (const secret of secrets.toSorted((left, right) => right.length - left.length)) {
    if (secret.length >= 4) safe = safe.replaceAll(secret, () => maskSecret(secret));
  }
  safe = safe.replace(URL_CREDENTIALS, `$1${MASK}@`).replace(QUERY_VALUE, `$1${MASK}`);
  for (const shape of KEY_SHAPES) safe = safe.replace(shape, maskSecret);
  safe = safe.replace(AUTH_SCHEME, (match, scheme: string, secret: string) =>
    WORD.test(secret) ? match : scheme + maskSecret(secret),
  );
  return safe.replace(NAMED_VALUE, (_match, name: string, secret: string) => name + maskSecret(secret));
}

/** Whole words of a header name: `x-api-key` holds a secret, `x-ratelimit-remaining-tokens` does not. */
const SECRET_HEADER =
  /(?:^|[-_])(?:key|apikey|token|secret|auth|authorization|cookie|password|credentials?|signature|session|jwt|assertion)(?:$|[-_])/i;

/** Whether the value of a header or member of this name is a credential. */
export function isSecretName(name: string): boolean {
  return SECRET_HEADER.test(name);
}

/** The same headers with credentials masked; names are kept as they are. */
export function redactHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string | string[]> {
  const safe: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const redact = isSecretName(name) ? maskCredential : (text: string) => redactText(text);
    safe[name] = typeof value === "string" ? redact(value) : value.map(redact);
  }
  return safe;
}

/** `Bearer sk-...cdef`: the scheme of a credential is not secret. */
function maskCredential(value: string): string {
  const scheme = /^[A-Za-z]{1,16} /.exec(value)?.[0] ?? "";
  return scheme + maskSecret(value.slice(scheme.length));
}
