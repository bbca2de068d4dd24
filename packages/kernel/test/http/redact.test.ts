import { describe, expect, it } from "vitest";
import { maskSecret, redactHeaders, redactText } from "../../src/http/redact.ts";

describe("maskSecret", () => {
  it.each([
    ["sk-abcdefghijklmnop", "sk-...mnop"],
    ["AIzaSyA1234567890", "...7890"],
    ["gsk_1234567890abcdef", "gsk_...cdef"],
    ["short", "***"],
    ["", "***"],
  ])("%j becomes %j", (secret, masked) => expect(maskSecret(secret)).toBe(masked));
});

describe("redactText", () => {
  it.each([
    ["Incorrect API key provided: sk-proj-abc_DEF-1234567890.", "Incorrect API key provided: sk-...7890."],
    ["Incorrect API key provided: sk-abcd****wxyz", "Incorrect API key provided: sk-...wxyz"],
    ["key sk-ant-api03-AAAABBBBCCCC-DDDD", "key sk-...DDDD"],
    ["https://x.example/v1?key=AIzaSyA1234567890abcdefgh&alt=sse", "https://x.example/v1?key=[secret]&alt=sse"],
    ["AIzaSyA1234567890abcdefgh", "...efgh"],
    ["authorization: Bearer abcDEF123.456", "authorization: Bearer ....456"],
    ["Bearer authentication is required", "Bearer authentication is required"],
    ["gsk_abcdefgh12345678 xai-abcdefgh12345678 hf_abcdefgh12345678", "gsk_...5678 xai-...5678 hf_...5678"],
    ["AKIAIOSFODNN7EXAMPLE", "...MPLE"],
    ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123", "..._123"],
    ['{"api_key":"abcdefghijklmnop"}', '{"api_key":"...mnop"}'],
    ["postgres://user:hunter2@db.internal/x", "postgres://[secret]@db.internal/x"],
    ["access_token=abcdefghijklmnop1", "access_token=...nop1"],
    ["maximum context length is 128000 tokens", "maximum context length is 128000 tokens"],
    ["You have no key-management task sk-", "You have no key-management task sk-"],
  ])("%j becomes %j", (text, safe) => expect(redactText(text)).toBe(safe));

  it("masks given secrets wherever they stand", () => {
    expect(redactText("hunter22hunter22 and $& hunter22hunter22", ["hunter22hunter22", "hunter22"])).toBe(
      "...er22 and $& ...er22",
    );
    expect(redactText("abc", ["", "a"])).toBe("abc");
  });

  it.each([
    "eyJ",
    "eyJ-",
    "sk-",
    "://",
    "://a:",
    "?key=",
    "api_key: ",
    "Bearer ",
    "Bearer a ",
    "a.",
    "AKIA",
    "eyJaaaaaa.",
    "x-amz-",
  ])("is linear for floods of %j", (piece) => {
    const text = piece.repeat(200_000 / piece.length);
    const startedAt = performance.now();
    redactText(text);
    expect(performance.now() - startedAt).toBeLessThan(200);
  });
});

describe("redactHeaders", () => {
  it("masks credentials and keeps the rest", () => {
    expect(
      redactHeaders({
        authorization: "Bearer sk-abcdefghijklmnop",
        "X-Api-Key": "1234567890abcdef",
        "set-cookie": ["session=abcdefghijkl", "a=b"],
        "x-amz-security-token": "short",
        "x-ratelimit-remaining-tokens": "100",
        "content-type": "application/json",
        referer: "https://x.example/?token=abc",
        absent: undefined,
      }),
    ).toEqual({
      authorization: "Bearer sk-...mnop",
      "X-Api-Key": "...cdef",
      "set-cookie": ["...ijkl", "***"],
      "x-amz-security-token": "***",
      "x-ratelimit-remaining-tokens": "100",
      "content-type": "application/json",
      referer: "https://x.example/?token=[secret]",
    });
  });
});
