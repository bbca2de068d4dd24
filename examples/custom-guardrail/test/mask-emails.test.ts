import { describe, it } from "vitest";
import type { ChatRequest, Part } from "@signalbox/kernel";
import { testGuardrail } from "@signalbox/kernel/testkit";
import { maskEmails } from "../src/mask-emails.ts";

function asked(...content: readonly Part[]): ChatRequest["messages"] {
  return [{ role: "user", content }];
}

function text(words: string): Part {
  return { type: "text", text: words };
}

testGuardrail({
  runner: { describe, it },
  guardrail: maskEmails,
  masked: [
    { text: "Write to ann.b+c@mail.example.co.uk, please.", released: "Write to [e-mail], please." },
    { text: "ann@example.com", released: "[e-mail]" },
    { text: "<ann@example.com>;bob@example.org.", released: "<[e-mail]>;[e-mail]." },
    { text: "a@b.c.d.e.f.g@h.i", released: "[e-mail][e-mail]" },
    { text: "ann@localhost, @ann, ann@ and ann@.com", released: "ann@localhost, @ann, ann@ and ann@.com" },
    { text: `${"x".repeat(80)}@example.com`, released: `${"x".repeat(16)}[e-mail]` },
    { text: `a@${"x".repeat(70)}.com`, released: `a@${"x".repeat(70)}.com` },
    { text: "世界ann@example.com🌍", released: "世界[e-mail]🌍" },
    { text: "She is ann@example.com", released: "She is [e-mail]", kind: "reasoning" },
    { text: '{"to":"a\\nann@example.com"}', released: '{"to":"a\\n[e-mail]"}', kind: "arguments" },
    { text: '{"to":"\\u00e9ann@example.com"}', released: '{"to":"\\u00e9[e-mail]"}', kind: "arguments" },
  ],
  requests: [
    { messages: asked(text("I am ann@example.com.")), expected: asked(text("I am [e-mail].")) },
    { messages: asked(text("I am Ann.")), expected: asked(text("I am Ann.")) },
    {
      messages: [
        { role: "assistant", content: [{ type: "toolCall", id: "c", name: "mail", arguments: '{"to":"a@b.cd"}' }] },
        { role: "tool", content: [{ type: "toolResult", toolCallId: "c", content: [text("sent to a@b.cd")] }] },
      ],
      expected: [
        { role: "assistant", content: [{ type: "toolCall", id: "c", name: "mail", arguments: '{"to":"[e-mail]"}' }] },
        { role: "tool", content: [{ type: "toolResult", toolCallId: "c", content: [text("sent to [e-mail]")] }] },
      ],
    },
  ],
  capabilities: { blocks: false, outage: false },
});
