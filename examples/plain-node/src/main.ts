// The gateway on plain node:http, without a framework. Any OpenAI client can use it.
import assert from "node:assert/strict";
import { listen } from "@signalbox/express/node";
import { createGateway } from "@signalbox/kernel";
import { mock } from "@signalbox/provider-mock";
import { openaiDialects } from "@signalbox/provider-openai";

const gateway = await createGateway({
  plugins: [{ name: "vendors", providers: [mock()], dialects: openaiDialects() }],
  deployments: [{ id: "parrot-1", model: "parrot", provider: "mock", upstreamModel: "echo" }],
});

const listener = await listen(gateway, { port: Number(process.env["PORT"] ?? 0), host: "127.0.0.1" });
console.log(`listening on ${listener.url}`);

// What a client sees.
const response = await fetch(`${listener.url}/v1/chat/completions`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ model: "parrot", messages: [{ role: "user", content: "Hello" }] }),
});
const body = (await response.json()) as { choices: { message: { content: string } }[] };
console.log(
  `${response.status} ${body.choices[0]?.message.content} (by ${response.headers.get("x-signalbox-deployment")})`,
);
assert.equal(response.status, 200);
assert.equal(body.choices[0]?.message.content, "Hello");
assert.equal(response.headers.get("x-signalbox-deployment"), "parrot-1");

// A misspelt model says what was meant.
const misspelt = await fetch(`${listener.url}/v1/chat/completions`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ model: "parot", messages: [{ role: "user", content: "Hello" }] }),
});
const { error } = (await misspelt.json()) as { error: { message: string } };
console.log(`${misspelt.status} ${error.message}`);
assert.equal(misspelt.status, 404);
assert.match(error.message, /"parrot"/);

// Kept running when a port was chosen; otherwise the example is over.
if (process.env["PORT"] === undefined) await listener.close();
