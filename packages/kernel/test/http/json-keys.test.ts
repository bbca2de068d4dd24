import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainKeys } from "../../src/http/json-keys.ts";

describe("plainKeys", () => {
  it.each([
    ['{"mod\\u0065l":"\\u0065"}', '{"model":"\\u0065"}'],
    ['{"a":{"\\u005f_proto__" : 1}}', '{"a":{"__proto__" : 1}}'],
    ['{"a\\/b":"\\/"}', '{"a/b":"\\/"}'],
    ['{"\\u0022\\\\":1,"x":"\\u"}', '{"\\"\\\\":1,"x":"\\u"}'],
    ['["\\u0061","b"]', '["\\u0061","b"]'],
    ['{"a":"\\\\\\"\\u0061\\\\","\\u0062":1}', '{"a":"\\\\\\"\\u0061\\\\","b":1}'],
    ['{"\\u00":1', '{"\\u00":1'],
    ['"\\u0061', '"\\u0061'],
  ])("%s becomes %s", (text, plain) => expect(plainKeys(text)).toBe(plain));

  it("leaves a text without escaped keys as it is", () => {
    const text = '{"a":"\\n","b\\"":1}';
    expect(plainKeys(text)).toBe(text);
  });

  it("does not change the meaning of any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value).replace(
          /[^\x20-\x7e]/g,
          (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
        );
        expect(JSON.stringify(JSON.parse(plainKeys(text)))).toBe(JSON.stringify(value));
      }),
    );
  });

  it("takes linear time", () => {
    for (const piece of ['\\u"', '"\\u":', "\\\\", '\\u0061":', '"']) {
      const text = `"\\u${piece.repeat(3_000_000 / piece.length)}`;
      const startedAt = performance.now();
      plainKeys(text);
      expect(performance.now() - startedAt).toBeLessThan(1000);
    }
  });
});
