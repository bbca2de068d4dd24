import { describe, expect, it } from "vitest";
import type { RequestHead } from "../../src/http/request-shape.ts";
import { checkRequestShape } from "../../src/http/request-shape.ts";

const head = (more: Partial<RequestHead> = {}): RequestHead => ({
  httpVersion: "1.1",
  method: "POST",
  url: "/v1/chat/completions",
  rawHeaders: ["Host", "gateway.example:8080", "Authorization", "Bearer x", "Content-Type", "application/json"],
  ...more,
});
const host = (...values: string[]): RequestHead => head({ rawHeaders: values.flatMap((value) => ["Host", value]) });

describe("checkRequestShape", () => {
  it.each([
    ["/"],
    ["/v1/models?x=%2F..//&y=\\"],
    ["/v1/models/gpt%204%3Aa"],
    ["/.well-known/x"],
    ["/v1/a..b/c."],
    ["/v1beta/models/gemini-2.5-pro:generateContent"],
    ["/v1//x"],
    ["/caf%C3%A9"],
  ])("accepts the target %s", (url) => expect(() => checkRequestShape(head({ url }))).not.toThrow());

  it.each([
    [""],
    ["http://evil.example/v1/models"],
    ["evil.example:443"],
    ["*"],
    ["//evil.example/v1"],
    ["/v1%2fmodels"],
    ["/v1%2Fmodels"],
    ["/v1%5cmodels"],
    ["/v1\\models"],
    ["/v1/../admin"],
    ["/v1/./admin"],
    ["/.."],
    ["/v1/.."],
    ["/v1/..;/admin"],
    ["/v1/%2e%2e/admin"],
    ["/v1/.%2E/admin"],
    ["/v1/%2e"],
    ["/v1/a%00b"],
    ["/v1/a%0ab"],
    ["/v1/a%7fb"],
    ["/v1/a b"],
    ["/v1/a\tb"],
    ["/v1/a#b"],
    ["/v1/%zz"],
    ["/v1/%ff"],
    ["/v1/%"],
  ])("refuses the target %j", (url) =>
    expect(() => checkRequestShape(head({ url }))).toThrow(expect.objectContaining({ code: "invalid_request" })),
  );

  it("accepts * for OPTIONS", () => {
    expect(() => checkRequestShape(head({ method: "OPTIONS", url: "*" }))).not.toThrow();
  });

  it.each([["a"], ["gateway.example"], ["gateway.example."], ["127.0.0.1:80"], ["[::1]:8080"], ["my_service:1"]])(
    "accepts the host %s",
    (value) => expect(() => checkRequestShape(host(value))).not.toThrow(),
  );

  it.each([
    ["a", "b"],
    ["a", "a"],
    [""],
    ["a/x?y#z"],
    ["user@a"],
    ["a:"],
    ["a:123456"],
    ["a b"],
    ["a,b"],
    ["[::1"],
    ["-a"],
    ["a:80:80"],
    [`${"a".repeat(300)}`],
  ])("refuses the host %j %j", (...values) =>
    expect(() => checkRequestShape(host(...values))).toThrow(expect.objectContaining({ code: "invalid_request" })),
  );

  it("sees a Host header in any case", () => {
    expect(() => checkRequestShape(head({ rawHeaders: ["host", "a", "HOST", "b"] }))).toThrow("two Host headers");
  });

  it("wants a Host header, but in HTTP/1.0", () => {
    expect(() => checkRequestShape(head({ rawHeaders: [] }))).toThrow("no Host header");
    expect(() => checkRequestShape(head({ rawHeaders: [], httpVersion: "1.0" }))).not.toThrow();
  });

  it("refuses a chunked body in HTTP/1.0", () => {
    const rawHeaders = ["Host", "a", "Transfer-Encoding", "chunked"];
    expect(() => checkRequestShape(head({ rawHeaders, httpVersion: "1.0" }))).toThrow("Transfer-Encoding");
    expect(() => checkRequestShape(head({ rawHeaders }))).not.toThrow();
  });
});
