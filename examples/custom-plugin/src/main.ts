// The plugins of docs/write-a-plugin.md in one gateway: observers, layers, a guardrail, a management route, a selector
// and a router.
import assert from "node:assert/strict";
import { serve } from "@signalbox/express/node";
import { createGateway } from "@signalbox/kernel";
import { mock } from "@signalbox/provider-mock";
import { brevity } from "./brevity.ts";
import { counters } from "./counters.ts";
import { noProjectNames } from "./no-project-names.ts";
import { shortQuestions } from "./short-questions.ts";
import { slowCalls } from "./slow-calls.ts";
import { timing } from "./timing.ts";
import { tryTwice } from "./try-twice.ts";

const timed: string[] = [];
const gateway = await createGateway({
  plugins: [
    { name: "vendors", providers: [mock()] },
    timing((operation, durationMs) => timed.push(`${operation} ${durationMs >= 0 ? "took its time" : ""}`)),
    brevity(3),
    { name: "secrecy", guardrails: [noProjectNames(["Bluebird"])] },
    counters(),
    slowCalls({ thresholdMs: 60_000 }),
    shortQuestions({ model: "auto", small: "mock/fault-503-first-1+echo", large: "mock/echo" }),
    tryTwice(),
  ],
});
const ask = (content: string) => gateway.chat({ model: "mock/echo", messages: [{ role: "user", content }] });

// The layer of one operation: what is asked for is short, and so is the answer.
const { choices } = await ask("one two three four five");
console.log("answer:  ", choices[0]?.content, choices[0]?.finishReason);
assert.equal(choices[0]?.finishReason, "length");

// The guardrail.
await assert.rejects(ask("What about Bluebird?"), (error: { code: string; message: string }) => {
  console.log(`refused:  ${error.message}`);
  assert.equal(error.code, "guardrail_blocked");
  return true;
});

// The layer of all operations, which lets the others pass untouched.
await gateway.embed({ model: "mock/echo", input: "Bluebird" });
assert.deepEqual(timed, ["chat took its time", "chat took its time", "embed took its time"]);

// The observer, and the route that tells what it saw.
const { url, close } = await serve(gateway, { port: 0 });
const counted = await fetch(`${url}/counters/chat`);
console.log("counted: ", counted.status, await counted.clone().text());
assert.deepEqual([counted.status, await counted.json()], [200, { count: 2 }]);
assert.equal((await fetch(`${url}/counters/speak`)).status, 404);

// The selector chooses the small model, which is overloaded; the router tries it once more.
const { call, reply } = gateway.open({ operation: "chat", request: { model: "auto", messages: [] } });
const answered = await reply.next();
console.log("routed:  ", call.trace.notes?.map(({ text }) => text).join("; "));
assert.equal(answered.done, true);
assert.deepEqual(
  call.trace.attempts.map(({ code }) => code),
  ["provider_overloaded", undefined],
);

await close();
await gateway.close();
console.log("ok");
