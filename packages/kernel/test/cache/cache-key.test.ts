import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Call, ChatRequest } from "@signalbox/kernel";
import { cacheKey, canonicalDigest, canonicalText, decodeRecording, encodeRecording } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { TEAM } from "./caching-gateway.ts";

const BASE: ChatRequest = {
  model: "m",
  messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
  temperature: 0,
};

function keyOf(request: ChatRequest, rest: Partial<Call> = {}): string {
  return cacheKey({ ...testCall({ operation: "chat", request, principal: TEAM }), ...rest } as Call);
}

/** The same value with the members of every object in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, shuffled(member)]),
  );
}

describe("the key", () => {
  it.each([
    ["stream", { stream: true }],
    ["metadata", { metadata: { run: "1" } }],
    ["members without a value", { topP: undefined }],
    ["how the prompt cache is addressed", { extra: { openai: { prompt_cache_key: "a" } } }],
    ["options of the stream", { extra: { openai: { stream_options: { include_usage: true } } } }],
  ] as const)("does not depend on %s", (_name, fields) => {
    expect(keyOf({ ...BASE, ...fields } as ChatRequest)).toBe(keyOf(BASE));
  });

  it("does not depend on the name by which the model was asked for, but on the model that serves it", () => {
    const call = { model: "served" } as Partial<Call>;
    expect(keyOf({ ...BASE, model: "alias" }, call)).toBe(keyOf(BASE, call));
    expect(keyOf(BASE, { model: "other" } as Partial<Call>)).not.toBe(keyOf(BASE, call));
  });

  it.each([
    ["options that change what is sent", { options: { dropParams: true } }],
    ["the end user", { options: { endUserId: "u" } }],
    ["the regions that a caller is bound to", { principal: { ...TEAM, allowedRegions: ["eu"] } }],
  ] as const)("depends on %s", (_name, rest) => {
    expect(keyOf(BASE, rest as unknown as Partial<Call>)).not.toBe(keyOf(BASE));
  });

  it("is the same for the same request in another order, whatever it holds", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const request = { ...BASE, extra: { vendor: { value } } } as ChatRequest;
        expect(keyOf(shuffled(request) as ChatRequest)).toBe(keyOf(request));
      }),
    );
  });

  it("is another one for another value", () => {
    const same = (one: unknown, other: unknown) =>
      JSON.stringify(shuffled(sorted(one))) === JSON.stringify(shuffled(sorted(other)));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        expect(canonicalText(one) === canonicalText(other)).toBe(same(one, other));
      }),
    );
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

describe("canonical text", () => {
  it.each([
    ["sorted members", { b: 1, a: [true, null, "x"] }, '{"a":[true,null,"x"],"b":1}'],
    ["members without a value", { a: undefined }, "{}"],
    ["a number", 1.0, "1"],
    ["minus zero", -0, "0"],
    ["a big integer", 10n, "10n"],
    ["half a character", "\ud800", '"\\ud800"'],
  ])("of %s", (_name, value, text) => {
    expect(canonicalText(value)).toBe(text);
  });

  it("tells bytes from text, and vectors from bytes", () => {
    const bytes = Buffer.from([1, 2, 3, 4]);
    expect(canonicalText(bytes)).toBe(canonicalText(new Uint8Array(bytes)));
    expect(canonicalText(bytes)).not.toBe(canonicalText(Buffer.from([1, 2, 3, 5])));
    expect(canonicalText(new Float32Array(new Uint8Array(bytes).buffer))).not.toBe(canonicalText(bytes));
    expect(canonicalText(canonicalText(bytes))).not.toBe(canonicalText(bytes));
  });
});

describe("a digest", () => {
  const filler = "x".repeat(300);

  it.each([
    ["a long text", filler, `${filler}y`],
    ["halves of characters", `${filler}\ud800`, `${filler}\ud801`],
    ["where one text ends and the next begins", [`${filler}a`, filler], [filler, `a${filler}`]],
    ["which member has which text", { a: filler, b: `${filler}y` }, { a: `${filler}y`, b: filler }],
    ["the end of a text of many slices", filler.repeat(1_000), `${filler.repeat(1_000).slice(0, -1)}y`],
    ["the middle of it", filler.repeat(1_000), `${filler.repeat(500)}y${filler.repeat(500).slice(1)}`],
    ["a text that reads like what stands for one", filler, "text:300"],
  ])("tells apart %s", (_name, one, other) => {
    expect(canonicalDigest(one)).toMatch(/^[\w-]{43}$/);
    expect(canonicalDigest(structuredClone(one))).toBe(canonicalDigest(one));
    expect(canonicalDigest(one)).not.toBe(canonicalDigest(other));
  });

  it("is the same if and only if the text is", () => {
    const value = fc.jsonValue();
    const texts = fc.array(
      fc.string({ minLength: 250, maxLength: 262, unit: fc.constantFrom("a", "é", "€", "\ud800") }),
    );
    fc.assert(
      fc.property(fc.tuple(value, texts), fc.tuple(value, texts), (one, other) => {
        expect(canonicalDigest(one) === canonicalDigest(other)).toBe(canonicalText(one) === canonicalText(other));
        expect(canonicalDigest(shuffled(one))).toBe(canonicalDigest(one));
      }),
    );
  });
});

describe("a recording as bytes", () => {
  it("comes back as it was, vectors, bytes and big integers included", () => {
    const recording = {
      operation: "embed",
      storedAt: 1,
      expiresAt: 2,
      result: {
        model: "m",
        embeddings: [new Float32Array([0.5, -0.25]), [1, 2]],
        usage: { inputTokens: 1, outputTokens: 0, reportedCost: 9_007_199_254_740_993n },
        extra: {
          vendor: { sound: Buffer.from([0, 255]), $signalbox: ["bigint", "1"], deep: { $signalbox: { a: 1n } } },
        },
      },
    } as const;
    expect(decodeRecording(encodeRecording(recording as never))).toEqual(recording);
  });

  it("is refused when it is something else", () => {
    for (const bytes of ["", "{", "null", "[]", '{"operation":"chat"}']) {
      expect(() => decodeRecording(Buffer.from(bytes))).toThrow(SyntaxError);
    }
  });
});
