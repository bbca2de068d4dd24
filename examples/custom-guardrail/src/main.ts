// A guardrail of your own: written once, it holds for streams and for plain replies.
import assert from "node:assert/strict";
import { createGateway, textOf } from "@signalbox/kernel";
import { mock } from "@signalbox/provider-mock";
import { maskEmails } from "./mask-emails.ts";

const gateway = await createGateway({
  plugins: [
    // "echo" says what it was sent; the clerk knows addresses and speaks in pieces of three characters.
    { name: "vendors", providers: [mock({ scripts: { clerk: "Ask ann@example.com, or Bob." }, chunkSize: 3 })] },
    { name: "mask-emails", guardrails: [maskEmails()] },
  ],
});
const messages = [{ role: "user" as const, content: "I am eve@example.org. Who can help me?" }];

// What comes back, plain.
const plain = await gateway.chat({ model: "mock/clerk", messages });
console.log(`plain:    ${textOf(plain.choices[0]?.content ?? [])}`);
assert.equal(textOf(plain.choices[0]?.content ?? []), "Ask [e-mail], or Bob.");

// What comes back, streamed: the address never leaves, although it arrives in eight pieces.
const pieces: string[] = [];
const stream = gateway.chat.stream({ model: "mock/clerk", messages });
for await (const event of stream) {
  if (event.type === "partDelta" && event.delta.type === "text") pieces.push(event.delta.text);
}
console.log(`streamed: ${pieces.join("|")}`);
assert.equal(pieces.join(""), "Ask [e-mail], or Bob.");
assert.ok(pieces.length > 2, "harmless text does not wait for the end");
assert.equal(textOf((await stream.result).choices[0]?.content ?? []), "Ask [e-mail], or Bob.");

// What the model is shown.
const echo = await gateway.chat({ model: "mock/echo", messages });
console.log(`shown:    ${textOf(echo.choices[0]?.content ?? [])}`);
assert.equal(textOf(echo.choices[0]?.content ?? []), "I am [e-mail]. Who can help me?");

await gateway.close();
console.log("ok");
