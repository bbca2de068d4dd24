// A strategy of one's own: by day the deployment in Europe, by night the one in America, and the other one when it fails.
import assert from "node:assert/strict";
import { createGateway } from "@signalbox/kernel";
import { routing } from "@signalbox/plugin-routing";
import { mock } from "@signalbox/provider-mock";
import { officeHours } from "./office-hours.ts";

let now = new Date("2026-03-02T10:00:00Z");
const tried: string[] = [];
const gateway = await createGateway({
  plugins: [
    { name: "vendors", providers: [mock()], on: { attemptStarted: ({ deployment }) => tried.push(deployment.id) } },
    routing({ models: { chat: officeHours(() => now) } }),
  ],
  deployments: [
    { id: "chat-eu", model: "chat", provider: "mock", upstreamModel: "echo", region: "eu" },
    { id: "chat-us", model: "chat", provider: "mock", upstreamModel: "echo", region: "us" },
  ],
});

async function ask(): Promise<string> {
  tried.length = 0;
  await gateway.chat({ model: "chat", messages: [{ role: "user", content: "Anybody there?" }] });
  const line = `${now.getUTCHours()} h: ${tried.join(", then ")}`;
  console.log(line);
  return line;
}

assert.equal(await ask(), "10 h: chat-eu");

now = new Date("2026-03-02T23:00:00Z");
assert.equal(await ask(), "23 h: chat-us");

// The one that is awake is down: its model is one that always fails.
gateway.changeDeployments({
  put: [{ id: "chat-us", model: "chat", provider: "mock", upstreamModel: "fault-503", region: "us" }],
});
assert.equal(await ask(), "23 h: chat-us, then chat-eu");

// What would happen, without asking anybody.
const { attempts } = await gateway.explain({ operation: "chat", request: { model: "chat", messages: [] } });
assert.deepEqual(
  attempts.map(({ deployment }) => deployment),
  ["chat-us", "chat-eu"],
);

await gateway.close();
console.log("ok");
