type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** When a limit is refilled, and what is left of it. */
const RESETS: readonly (readonly [reset: string, remaining: string])[] = [
  ["x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"],
  ["x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"],
  ["anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"],
  ["anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"],
  ["anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-input-tokens-remaining"],
  ["anthropic-ratelimit-output-tokens-reset", "anthropic-ratelimit-output-tokens-remaining"],
  ["x-ratelimit-reset", "x-ratelimit-remaining"],
  ["ratelimit-reset", "ratelimit-remaining"],
];

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const NUMBER = /^\d{1,15}(?:\.\d{1,9})?$/;
const DURATION = /^(?:\d{1,15}(?:\.\d{1,9})?(?:ns|us|µs|μs|ms|s|m|h|d)){1,6}$/;

/**
 * How long to wait before a repetition can succeed, in milliseconds; undefined when the headers do not say.
 *
 * `retry-after-ms` wins over `retry-after` (seconds or an HTTP date), unless it is 0: Azure sends that beside a second in
 * the other. Both win over the reset headers, which only tell when a limit is full again. Of several resets those count
 * whose limit is used up, and of these the latest, as all of them must be refilled; when none is known to be used up,
 * the earliest.
 */
export function retryAfterMs(headers: Headers, now: number = Date.now()): number | undefined {
  const milliseconds = single(headers["retry-after-ms"]);
  const exact = milliseconds !== undefined && NUMBER.test(milliseconds) ? Math.ceil(Number(milliseconds)) : undefined;
  if (exact !== undefined && exact > 0) return exact;
  const retryAfter = single(headers["retry-after"]);
  if (retryAfter !== undefined) {
    const wait = NUMBER.test(retryAfter)
      ? Number(retryAfter) * 1000
      : (durationMs(retryAfter) ?? untilDate(retryAfter, now));
    if (wait !== undefined) return Math.ceil(wait);
  }
  if (exact !== undefined) return exact;
  let usedUp: number | undefined;
  let earliest: number | undefined;
  for (const [reset, remaining] of RESETS) {
    const text = single(headers[reset]);
    if (text === undefined) continue;
    const wait = untilReset(text, now);
    if (wait === undefined) continue;
    const left = single(headers[remaining]);
    if (left !== undefined && Number(left) <= 0) usedUp = Math.max(usedUp ?? 0, wait);
    earliest = Math.min(earliest ?? wait, wait);
  }
  const wait = usedUp ?? earliest;
  return wait === undefined ? undefined : Math.ceil(wait);
}

/** `1m30.5s`, `6ms`, `34.07s` (Go and Protocol Buffers) in milliseconds; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµμ]+)/g))
    total += Number(amount) * (UNITS_MS[unit as string] as number);
  return total;
}

/** A number is a time (epoch seconds or milliseconds) when it is too large for a waiting time in seconds. */
function untilReset(text: string, now: number): number | undefined {
  if (!NUMBER.test(text)) return durationMs(text) ?? untilDate(text, now);
  const number = Number(text);
  if (number >= 1e12) return Math.max(0, number - now);
  if (number >= 1e9) return Math.max(0, number * 1000 - now);
  return number * 1000;
}

function untilDate(text: string, now: number): number | undefined {
  // Date.parse makes dates of almost anything: "-1", "1.5.0"
  if (!/^[A-Za-z]{3},? |^\d{4}-\d\d-\d\d[Tt ]/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return (typeof value === "string" ? value : value?.[0])?.trim();
}
