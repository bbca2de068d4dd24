import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WindowedText } from "../src/gateway/text-window.ts";
import { maskPattern } from "../src/index.ts";
import { testCall, testGuardrail } from "../src/testkit/index.ts";

const call = testCall({ operation: "chat", request: { model: "m", messages: [] } });

function masking(pattern: RegExp, mask: string | ((match: string) => string) = "#") {
  return maskPattern({ name: "mask-test", pattern, mask });
}

/** The pieces that come out for each piece that goes in, and at the end. */
async function streamed(
  pattern: RegExp,
  pieces: readonly string[],
  kind: "text" | "arguments" = "text",
): Promise<readonly string[]> {
  const window = new WindowedText(masking(pattern), call, 0, kind);
  const out: string[] = [];
  for (const piece of pieces) out.push(piece === "" ? "" : await window.push(piece));
  return [...out, await window.end()];
}

function cut(text: string, places: readonly number[]): readonly string[] {
  const sorted = [0, ...places.map((place) => place % (text.length + 1)), text.length].sort((a, b) => a - b);
  return sorted.slice(1).map((end, index) => text.slice(sorted[index], end));
}

describe("what waits for more text", () => {
  it.each<readonly [RegExp, readonly string[], readonly string[]]>([
    [/cat/, ["a c", "a", "t!"], ["a ", "", "#!", ""]],
    [/cat/, ["a c", "ow", "ca"], ["a ", "cow", "", "ca"]],
    [/cat|cow/, ["c", "o", "w"], ["", "", "", "#"]],
    [/\d{2,4}/, ["12", "34", "56"], ["", "", "#", "#"]],
    [/\bcat\b/, ["cat", "alog"], ["", "catalog", ""]],
    [/\bcat\b/, ["con", "cat"], ["con", "cat", ""]],
    [/\bcat\b/, ["cat", ""], ["", "", "#"]],
    [/a(?!bc)/, ["ab", "d"], ["", "#bd", ""]],
    [/a(?!bc)/, ["ab", "c"], ["", "", "abc"]],
    [/a(?=\s|$)/, ["a", "b a"], ["", "ab ", "#"]],
    [/(?<=€)\d{1,3}/, ["€", "1", "2 x"], ["€", "", "# x", ""]],
    [/^a/, ["a", "a"], ["", "#a", ""]],
    [/a$/, ["a", "a"], ["", "a", "#"]],
    [/a$/m, ["a", "\na"], ["", "#\n", "#"]],
    [/(?<word>a)(b)c/i, ["A", "B", "c"], ["", "", "", "#"]],
    [/🌍/u, ["\ud83c", "\udf0d"], ["", "", "#"]],
    [/x/u, ["\ud83c", "\udf0d"], ["", "🌍", ""]],
  ])("%s in %j", async (pattern, pieces, released) => {
    expect(await streamed(pattern, pieces)).toEqual(released);
  });

  it("is what the whole text gives, for any pattern, text and split", async () => {
    const { pattern: patterns } = fc.letrec<{ pattern: string; term: string; sequence: string }>((tie) => ({
      term: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        fc.constantFrom("a", "b", "\\\\", "\\n", "[ab]", "[^a]", ".", "\\w", "\\b", "\\B", "^", "$", "🌍", "\\x61"),
        tie("pattern").map((inner) => `(?:${inner})`),
        tie("pattern").map((inner) => `(${inner})`),
        tie("pattern").map((inner) => `(?=${inner})`),
        tie("pattern").map((inner) => `(?!${inner})`),
        fc.constantFrom("(?<=a)", "(?<!b)", "(?<=ab|^)", "(?<!\\n.)"),
        fc
          .tuple(tie("pattern"), fc.constantFrom("?", "{2}", "{0,2}", "{1,3}", "??", "{1,2}?"))
          .map(([inner, times]) => `(?:${inner})${times}`),
      ),
      sequence: fc.array(tie("term"), { minLength: 1, maxLength: 4 }).map((terms) => terms.join("")),
      pattern: fc.array(tie("sequence"), { minLength: 1, maxLength: 2 }).map((all) => all.join("|")),
    }));
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(
        patterns,
        fc.constantFrom("", "i", "m", "s", "u", "v", "mu"),
        fc.array(fc.constantFrom("a", "b", "A", "\n", "\\", "🌍", "ab"), { maxLength: 12 }).map((all) => all.join("")),
        fc.array(fc.nat(30), { maxLength: 12 }),
        async (source, flags, text, places) => {
          const pattern = new RegExp(source, flags);
          try {
            masking(pattern);
          } catch {
            fc.pre(false); // matches the empty text
          }
          tried++;
          const expected = text.replace(new RegExp(source, `${flags}g`), "#");
          expect(
            (
              await streamed(
                pattern,
                [...text].flatMap((one) => one.split("")),
              )
            ).join(""),
          ).toBe(expected);
          expect((await streamed(pattern, cut(text, places))).join("")).toBe(expected);
        },
      ),
      { numRuns: 1_500 },
    );
    expect(tried).toBe(1_500);
  });
});

describe("JSON of tool calls", () => {
  const mask = 'a "mask"\n';

  async function through(pieces: readonly string[], pattern: RegExp): Promise<string> {
    const window = new WindowedText(masking(pattern, mask), call, 0, "arguments");
    let out = "";
    for (const piece of pieces) out += piece === "" ? "" : await window.push(piece);
    return out + (await window.end());
  }

  it("is masked by what it says, however it is written and cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("a", "n", "u", "é", "\\", "\n", "🌍", "-"), { maxLength: 12 }),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        fc.array(fc.nat(90), { maxLength: 12 }),
        async (characters, escaped, places) => {
          const value = characters.join("");
          const expected = value.replace(/\b[a\\né\n]{1,3}/g, mask);
          const written = characters.map((one, at) => {
            const units = one.split("").map((unit) => unit.charCodeAt(0).toString(16).padStart(4, "0"));
            return escaped[at] === true ? units.map((unit) => `\\u${unit}`).join("") : JSON.stringify(one).slice(1, -1);
          });
          const out = await through(cut(written.join(""), places), /\b[a\\né\n]{1,3}/);
          expect(JSON.parse(`"${out}"`), out).toBe(expected);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['{"to":"\\nann-"}', '{"to":"\\na \\"mask\\"\\n-"}'],
    ["\\", "\\"],
    ["-\\u00", "-\\u00"],
    ["\\x\\u12-", "\\x\\u12-"],
  ])("%j becomes %j", async (json, masked) => {
    expect(await through([json], /\bann/)).toBe(masked);
    expect(await through(json.split(""), /\bann/)).toBe(masked);
  });
});

describe("what is refused", () => {
  it.each([
    [/a+/, "a match has no longest length; write {1,64} instead of + or *"],
    [/ab*c/, "a match has no longest length; write {1,64} instead of + or *"],
    [/(?:ab){2,}/, "a match has no longest length; write {1,64} instead of + or *"],
    [/a?/, "it matches the empty text"],
    [/\b/, "it matches the empty text"],
    [/(?:)/, "it matches the empty text"],
    [/a(?=b+)/, "it looks ahead without end; write {0,64} instead of + or *"],
    [/(a)\1/, "it refers back to a group"],
    [/(?<one>a)\k<one>/, "it refers back to a group"],
    [/(?<=a+)b/, "it looks back further than 40 characters"],
    [/(?<=a{41})b/, "it looks back further than 40 characters"],
    [/(?<=a{1,9}b{32})b/, "it looks back further than 40 characters"],
    [/(?<=a(?=b))b/, "it looks ahead inside of looking behind"],
  ])("%s", (pattern, why) => {
    expect(() => masking(pattern)).toThrow(
      expect.objectContaining({ code: "option_invalid", message: `maskPattern(pattern) of "mask-test": ${why}` }),
    );
  });
});

describe("requests of every operation", () => {
  const guardrail = masking(/sk-\d{1,9}/, (match) => `<${match.length}>`);
  const text = (words: string) => ({ type: "text", text: words }) as const;
  const asked = (words: string) => ({ model: "m", messages: [{ role: "user", content: [text(words)] }] }) as const;

  it.each([
    ["chat", asked("my sk-12"), asked("my <5>")],
    [
      "chat",
      {
        model: "m",
        messages: [
          { role: "assistant", content: [{ type: "toolCall", id: "sk-1", name: "f", arguments: '{"k":"\\nsk-1"}' }] },
          { role: "tool", content: [{ type: "toolResult", toolCallId: "sk-1", content: [text("sk-1")] }] },
          {
            role: "user",
            content: [
              { type: "document", source: { type: "text", text: "sk-1" }, title: "sk-22", context: "c" },
              { type: "image", source: { type: "url", url: "https://x.example/sk-1" } },
            ],
          },
        ],
      },
      {
        model: "m",
        messages: [
          { role: "assistant", content: [{ type: "toolCall", id: "sk-1", name: "f", arguments: '{"k":"\\n<4>"}' }] },
          { role: "tool", content: [{ type: "toolResult", toolCallId: "sk-1", content: [text("<4>")] }] },
          {
            role: "user",
            content: [
              { type: "document", source: { type: "text", text: "<4>" }, title: "<5>", context: "c" },
              { type: "image", source: { type: "url", url: "https://x.example/sk-1" } },
            ],
          },
        ],
      },
    ],
    ["countTokens", { model: "m", chat: asked("sk-1") }, { model: "m", chat: asked("<4>") }],
    [
      "complete",
      { model: "m", prompts: ["sk-1", [1, 2]], suffix: "sk-22" },
      { model: "m", prompts: ["<4>", [1, 2]], suffix: "<5>" },
    ],
    ["embed", { model: "m", inputs: ["a", "sk-1"] }, { model: "m", inputs: ["a", "<4>"] }],
    [
      "rerank",
      { model: "m", query: "sk-1", documents: ["sk-1", { text: "sk-22", n: 1, list: ["sk-1"] }] },
      { model: "m", query: "<4>", documents: ["<4>", { text: "<5>", n: 1, list: ["<4>"] }] },
    ],
    ["moderate", { model: "m", inputs: [[text("sk-1")]] }, { model: "m", inputs: [[text("<4>")]] }],
    ["generateImage", { model: "m", prompt: "sk-1" }, { model: "m", prompt: "<4>" }],
    ["speak", { model: "m", text: "sk-1", voice: "v" }, { model: "m", text: "<4>", voice: "v" }],
  ] as const)("%s", async (operation, request, value) => {
    const before = structuredClone(request);
    const verdict = await guardrail.checkRequest?.(testCall({ operation, request: request as never }));
    expect(verdict).toEqual({ action: "rewrite", value, reason: "what mask-test matches was masked" });
    expect(request).toEqual(before);
    expect(await guardrail.checkRequest?.(testCall({ operation, request: value as never }))).toEqual({
      action: "allow",
    });
  });
});

testGuardrail({
  runner: { describe, it },
  guardrail: () => maskPattern({ name: "mask-keys", pattern: /\bsk-[A-Za-z0-9]{4,12}\b/, mask: "[key]" }),
  masked: [
    { text: "My key is sk-abcd1234, keep it.", released: "My key is [key], keep it." },
    { text: "sk-abcd1234", released: "[key]" },
    { text: "ask-abcd1234 and sk-abc and sk-abcd1234abcdX", released: "ask-abcd1234 and sk-abc and sk-abcd1234abcdX" },
    { text: "世界 sk-abcd1234🌍", released: "世界 [key]🌍", kind: "reasoning" },
    { text: '{"key":"\\nsk-abcd1234"}', released: '{"key":"\\n[key]"}', kind: "arguments" },
  ],
  requests: [
    {
      messages: [{ role: "user", content: [{ type: "text", text: "sk-abcd1234" }] }],
      expected: [{ role: "user", content: [{ type: "text", text: "[key]" }] }],
    },
  ],
  maxHeldBack: 16,
  capabilities: { blocks: false, outage: false },
});
