// A vendor of your own behind a gateway. Parley does not exist, so a loopback server plays it.
import assert from "node:assert/strict";
import { createGateway, Secret, textOf } from "@signalbox/kernel";
import { replayServer } from "@signalbox/kernel/testkit";
import { parley } from "./parley.ts";

const upstream = await replayServer([
  {
    bodyText: `event: open
data: {"talk": "t-1", "speaker": "orator-2", "at": 1760000000}

event: say
data: {"words": "Friends, "}

event: say
data: {"words": "Romans."}

event: close
data: {"because": "done", "counted": {"heard": 6, "said": 4}}

`,
    delivery: "bytes",
  },
  { status: 429, headers: { "retry-after": "3" }, body: { fault: { word: "busy", says: "one speech at a time" } } },
]);

const gateway = await createGateway({
  plugins: [{ name: "parley", providers: [parley()] }],
  deployments: [
    {
      id: "orator",
      model: "orator",
      provider: "parley",
      upstreamModel: "orator-2",
      baseUrl: upstream.url,
      apiKey: new Secret("key-of-parley"),
    },
  ],
});
const messages = [{ role: "user" as const, content: "Begin." }];

const stream = gateway.chat.stream({ model: "orator", messages, temperature: 0.5 });
for await (const event of stream) {
  if (event.type === "partDelta" && event.delta.type === "text") console.log(`heard: ${event.delta.text}`);
}
const { choices, usage } = await stream.result;
assert.equal(textOf(choices[0]?.content ?? []), "Friends, Romans.");
assert.deepEqual([usage.inputTokens, usage.outputTokens], [6, 4]);
assert.deepEqual(JSON.parse(upstream.sent[0]?.body ?? ""), {
  speaker: "orator-2",
  turns: [{ from: "user", words: "Begin." }],
  warmth: 0.5,
});

await assert.rejects(gateway.chat({ model: "orator", messages }), (error: { code: string; message: string }) => {
  console.log(`${error.code}: ${error.message}`);
  assert.equal(error.code, "provider_rate_limited");
  return true;
});

await gateway.close();
await upstream.close();
console.log("ok");
