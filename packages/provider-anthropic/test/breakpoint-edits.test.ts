import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CacheBreakpoint, ChatRequest } from "@signalbox/kernel";
import { parseJsonBody } from "@signalbox/kernel/http";
import { breakpointEdits } from "../src/breakpoint-edits.ts";
import { decodeMessagesRequest } from "../src/messages-decode.ts";

const AT = (message: number, part: number): CacheBreakpoint => ({ message, part, control: {} });
const EPHEMERAL = '"cache_control":{"type":"ephemeral"}';

function edited(json: string, breakpoints: readonly CacheBreakpoint[]): string | undefined {
  const body = parseJsonBody(Buffer.from(json));
  const edits = breakpointEdits(body, decodeMessagesRequest(body.value), breakpoints);
  return edits && body.edit(edits).toString();
}

const body = (members: string): string => `{"model":"m", "max_tokens":1,${members}}`;

describe("breakpoints in a client's bytes", () => {
  it.each<[string, string, CacheBreakpoint, string]>([
    [
      "a text",
      '"messages":[{"role":"user","content":"say \\"hi\\\\\\\\\\" \\u0041"}]',
      AT(0, 0),
      `"messages":[{"role":"user","content":[{"type":"text","text":"say \\"hi\\\\\\\\\\" \\u0041",${EPHEMERAL}}]}]`,
    ],
    [
      "a block with members and numbers of its own",
      '"messages":[ {"role":"user","content":[ {"type":"text","text":"]}","later":[1.0,{"a":12345678901234567890}] } ,{"type":"text","text":"b"}]}]',
      AT(0, 0),
      `"messages":[ {"role":"user","content":[ {"type":"text","text":"]}","later":[1.0,{"a":12345678901234567890}],${EPHEMERAL} } ,{"type":"text","text":"b"}]}]`,
    ],
    [
      "the system prompt",
      '"system":"Be brief.","messages":[{"role":"user","content":"a"}]',
      AT(0, 0),
      `"system":[{"type":"text","text":"Be brief.",${EPHEMERAL}}],"messages":[{"role":"user","content":"a"}]`,
    ],
    [
      "blocks of the system prompt",
      '"system":[{"type":"text","text":"a"},{"text":"b","type":"text"}],"messages":[{"role":"user","content":"a"}]',
      AT(0, 1),
      `"system":[{"type":"text","text":"a"},{"text":"b","type":"text",${EPHEMERAL}}],"messages":[{"role":"user","content":"a"}]`,
    ],
    [
      "a tool, for an hour",
      '"tools":[{"name":"t","input_schema":{}}, {"name":"u", "input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"a"}]',
      { tool: 1, control: { ttl: "1h" } },
      '"tools":[{"name":"t","input_schema":{}}, {"name":"u", "input_schema":{"type":"object"},"cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":"a"}]',
    ],
    [
      "a message behind one that became several",
      '"system":"","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"1"},{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"2"}]},{"role":"assistant","content":"c"}]',
      AT(3, 0),
      `"system":"","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"1"},{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"2"}]},{"role":"assistant","content":[{"type":"text","text":"c",${EPHEMERAL}}]}]`,
    ],
    [
      "one of those several",
      '"messages":[{"role":"user","content":[]},{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"1"},{"type":"tool_result","tool_use_id":"2"}]}]',
      AT(2, 1),
      `"messages":[{"role":"user","content":[]},{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"1"},{"type":"tool_result","tool_use_id":"2",${EPHEMERAL}}]}]`,
    ],
    [
      "in place of null",
      '"messages":[{"role":"user","content":[{"cache_control" : null,"type":"text","text":"x"}]}]',
      AT(0, 0),
      '"messages":[{"role":"user","content":[{"cache_control" : {"type":"ephemeral"},"type":"text","text":"x"}]}]',
    ],
    [
      "the member that counts, where one is repeated",
      '"messages":[],"messages":[{"role":"user","content":"old","content":"new"}]',
      AT(0, 0),
      `"messages":[{"role":"user","content":"old","content":[{"type":"text","text":"new",${EPHEMERAL}}]}]`,
    ],
  ])("%s", (_name, members, breakpoint, expected) => {
    expect(edited(body(members), [breakpoint])).toBe(body(expected));
  });

  it("several at once", () => {
    const members =
      '"tools":[{"name":"t","input_schema":{}}],"system":"s","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]';
    const all = [{ tool: 0, control: {} }, AT(0, 0), AT(1, 0), AT(3, 0)];
    expect(edited(body(members), all)).toBe(
      body(
        `"tools":[{"name":"t","input_schema":{},${EPHEMERAL}}],"system":[{"type":"text","text":"s",${EPHEMERAL}}],` +
          `"messages":[{"role":"user","content":[{"type":"text","text":"a",${EPHEMERAL}}]},` +
          `{"role":"assistant","content":"b"},{"role":"user","content":[{"type":"text","text":"c",${EPHEMERAL}}]}]`,
      ),
    );
  });

  it.each([AT(1, 0), AT(0, 1), { tool: 0, control: {} }])("%j, where there is no such place", (breakpoint) => {
    expect(edited(body('"messages":[{"role":"user","content":"a"}]'), [breakpoint])).toBeUndefined();
  });

  it("mean what the canonical request means, wherever they are", () => {
    const words = fc.string({ unit: "grapheme", maxLength: 8 });
    const block = fc.oneof(
      fc.record({ type: fc.constant("text"), text: words, vendor: fc.jsonValue({ maxDepth: 2 }) }),
      fc.record({
        type: fc.constant("tool_use"),
        id: fc.constant("i"),
        name: words,
        input: fc.dictionary(words, fc.jsonValue({ maxDepth: 1 })),
      }),
      fc.record({ type: fc.constant("tool_result"), tool_use_id: fc.constant("i"), content: words }),
    );
    const message = fc.record({
      role: fc.constantFrom("user", "assistant"),
      content: fc.oneof(words, fc.array(block, { maxLength: 4 })),
    });
    const request = fc.record(
      {
        model: fc.constant("m"),
        max_tokens: fc.constant(1),
        system: fc.oneof(words, fc.array(fc.record({ type: fc.constant("text"), text: words }), { maxLength: 2 })),
        tools: fc.array(fc.record({ name: fc.constant("t"), input_schema: fc.dictionary(words, words) }), {
          maxLength: 3,
        }),
        messages: fc.array(message, { minLength: 1, maxLength: 5 }),
      },
      { requiredKeys: ["model", "max_tokens", "messages"] },
    );
    fc.assert(
      fc.property(request, fc.nat(), fc.constantFrom(0, 1, 3), (written, pick, indent) => {
        const json = JSON.stringify(written, null, indent);
        const decoded = decodeMessagesRequest(JSON.parse(json));
        const all: CacheBreakpoint[] = [
          ...(decoded.tools ?? []).map((_tool, tool) => ({ tool, control: {} })),
          ...decoded.messages.flatMap(({ content }, at) => content.map((_part, part) => AT(at, part))),
        ];
        fc.pre(all.length > 0);
        const one = all[pick % all.length] as CacheBreakpoint;
        const after = edited(json, [one]) as string;
        expect(decodeMessagesRequest(JSON.parse(after))).toEqual(marked(decoded, one));
        expect(after.length - json.length).toBeLessThan(70);
      }),
      { numRuns: 500 },
    );
  });
});

function marked(request: ChatRequest, one: CacheBreakpoint): ChatRequest {
  const cacheControl = one.control;
  if ("tool" in one) {
    return {
      ...request,
      tools: (request.tools ?? []).map((tool, at) => (at === one.tool ? { ...tool, cacheControl } : tool)),
    };
  }
  return {
    ...request,
    messages: request.messages.map((message, at) =>
      at === one.message
        ? {
            ...message,
            content: message.content.map((part, index) => (index === one.part ? { ...part, cacheControl } : part)),
          }
        : message,
    ),
  };
}
