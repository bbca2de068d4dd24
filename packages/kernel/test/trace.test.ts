import { describe, expect, it } from "vitest";
import { Trace } from "@signalbox/kernel";

describe("headers of a trace", () => {
  it("are a flat list, made when there is one", () => {
    const trace = new Trace();
    expect(trace.headers).toBeUndefined();
    trace.header("x-ratelimit-limit-requests", "60");
    trace.header("x-ratelimit-remaining-requests", "59");
    expect(trace.headers).toEqual(["x-ratelimit-limit-requests", "60", "x-ratelimit-remaining-requests", "59"]);
  });

  it("stand once: the later value holds", () => {
    const trace = new Trace();
    trace.header("x-a", "1");
    trace.header("x-b", "x-a");
    trace.header("x-a", "2");
    trace.header("x-b", "3");
    expect(trace.headers).toEqual(["x-a", "2", "x-b", "3"]);
  });

  it.each(["content-length", "set-cookie", "X-Upper", "x-", "x-a:b", "x-a\r\nx-b", "", `x-${"a".repeat(200)}`])(
    "may not be called %j",
    (name) => {
      const trace = new Trace();
      expect(() => trace.header(name, "1")).toThrow(TypeError);
      expect(trace.headers).toBeUndefined();
    },
  );
});
