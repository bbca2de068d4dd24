import { describe, expect, it } from "vitest";
import { durationMs, retryAfterMs } from "../../src/http/retry-after.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

describe("retryAfterMs", () => {
  it.each([
    [{}, undefined],
    [{ "retry-after": "20" }, 20_000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "1.5" }, 1500],
    [{ "retry-after": "30s" }, 30_000],
    [{ "retry-after": "Sun, 01 Mar 2026 12:00:07 GMT" }, 7000],
    [{ "retry-after": "Sun, 01 Mar 2026 11:00:00 GMT" }, 0],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-1" }, undefined],
    [{ "retry-after": ["3", "4"] }, 3000],
    [{ "retry-after-ms": "1234.5", "retry-after": "2" }, 1235],
    [{ "retry-after-ms": "0", "retry-after": "1" }, 1000],
    [{ "retry-after-ms": "0" }, 0],
    [{ "retry-after": "2", "x-ratelimit-reset-requests": "9s" }, 2000],
    [{ "retry-after": "nonsense", "x-ratelimit-reset-requests": "9s" }, 9000],
    [{ "x-ratelimit-reset-requests": "1m30.5s", "x-ratelimit-reset-tokens": "6ms" }, 6],
    [
      {
        "x-ratelimit-reset-requests": "1m30.5s",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-tokens": "6ms",
      },
      90_500,
    ],
    [
      {
        "x-ratelimit-reset-requests": "8s",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-tokens": "6s",
        "x-ratelimit-remaining-tokens": "0",
      },
      8000,
    ],
    [{ "x-ratelimit-reset-tokens": "7.66" }, 7660],
    [{ "x-ratelimit-reset": String(NOW / 1000 + 5) }, 5000],
    [{ "x-ratelimit-reset": String(NOW + 2500) }, 2500],
    [{ "x-ratelimit-reset": String(NOW - 2500) }, 0],
    [{ "anthropic-ratelimit-tokens-reset": "2026-03-01T12:00:10Z" }, 10_000],
    [
      {
        "anthropic-ratelimit-requests-reset": "2026-03-01T12:00:01Z",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-input-tokens-reset": "2026-03-01T12:00:40Z",
        "anthropic-ratelimit-input-tokens-remaining": "0",
      },
      40_000,
    ],
  ])("%j gives %s", (headers, expected) => expect(retryAfterMs(headers, NOW)).toBe(expected));
});

describe("durationMs", () => {
  it.each([
    ["34.07s", 34_070],
    ["34.074824224s", 34_074.824224],
    ["6ms", 6],
    ["120ms", 120],
    ["1h2m3s", 3_723_000],
    ["1m30.5s", 90_500],
    ["500us", 0.5],
    ["2d", 172_800_000],
    ["", undefined],
    ["5", undefined],
    ["s", undefined],
    ["1s ", undefined],
    ["1 s", undefined],
    ["-1s", undefined],
    ["1.5.5s", undefined],
  ])("%j gives %s", (text, expected) => {
    if (expected === undefined) expect(durationMs(text)).toBeUndefined();
    else expect(durationMs(text)).toBeCloseTo(expected, 6);
  });
});
