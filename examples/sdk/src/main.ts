// A gateway without a server: one interface to every vendor, inside your own program.
import assert from "node:assert/strict";
import { createGateway, isGatewayError, textOf } from "@signalbox/kernel";
import { mock } from "@signalbox/provider-mock";

// With real vendors: providers: [openai({ apiKey }), anthropic({ apiKey })], then "openai/gpt-5" or "claude-sonnet-4-6".
const gateway = await createGateway({
  plugins: [{ name: "vendors", providers: [mock({ scripts: { poet: "Roses are red." } })] }],
});

// Ask and wait.
const result = await gateway.chat({
  model: "mock/poet",
  messages: [{ role: "user", content: "Write a poem" }],
});
const poem = textOf(result.choices[0]?.content ?? []);
console.log(`whole:    ${poem}`);
assert.equal(poem, "Roses are red.");

// Ask and watch.
const stream = gateway.chat.stream({
  model: "mock/poet+chunks-3",
  messages: [{ role: "user", content: "Write a poem" }],
});
const pieces: string[] = [];
for await (const event of stream) {
  if (event.type === "partDelta" && event.delta.type === "text") pieces.push(event.delta.text);
}
console.log(`streamed: ${pieces.join("|")}`);
assert.equal(pieces.join(""), poem);
assert.ok(pieces.length > 1);
const { usage } = await stream.result;
console.log(`tokens:   ${usage.inputTokens} in, ${usage.outputTokens} out`);

// Embed.
const { embeddings } = await gateway.embed({ model: "mock/echo", input: ["a rose", "is a rose"] });
assert.equal(embeddings.length, 2);

// Every failure is a GatewayError with a code of a closed table, whichever vendor it came from.
const failure = await gateway.chat({ model: "mock/fault-429", messages: [] }).catch((error: unknown) => error);
assert.ok(isGatewayError(failure));
console.log(`failed:   ${failure.code} (${failure.status})`);
assert.equal(failure.code, "provider_rate_limited");

await gateway.close();
