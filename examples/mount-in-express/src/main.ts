// The gateway inside an Express application that has its own users and its own body parser.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import express from "express";
import { getCall, signalbox } from "@signalbox/express";
import { createGateway, GatewayError } from "@signalbox/kernel";
import { mock } from "@signalbox/provider-mock";
import { openaiDialects } from "@signalbox/provider-openai";

const gateway = await createGateway({
  plugins: [{ name: "vendors", providers: [mock()], dialects: openaiDialects() }],
  deployments: [
    { id: "cheap", model: "small", provider: "mock", upstreamModel: "echo" },
    { id: "dear", model: "large", provider: "mock", upstreamModel: "echo" },
  ],
});

interface User {
  readonly name: string;
  readonly models: readonly string[];
}
const users = new Map<string, User>([["session-of-ada", { name: "ada", models: ["small"] }]]);

const app = express();
app.use(express.json());

// The application's own log: who asked which model, with what outcome.
const log: string[] = [];
app.use("/ai", (request, response, next) => {
  response.on("finish", () => {
    const call = getCall(request);
    if (call !== undefined) log.push(`${call.principal.id} ${call.request.model} ${response.statusCode}`);
  });
  next();
});

app.use(
  "/ai",
  signalbox(gateway, {
    // Who is calling is the application's business; the gateway only needs to know what they may use.
    principal(request) {
      const user = users.get(request.get("x-session") ?? "");
      if (user === undefined) throw new GatewayError("invalid_api_key", "log in first");
      return { id: user.name, kind: "user", admin: false, models: user.models };
    },
  }),
);
app.get("/", (_request, response) => {
  response.send("the application itself");
});

const server = app.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
console.log(`listening on ${url}`);

async function ask(model: string, session?: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}/ai/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(session !== undefined && { "x-session": session }) },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
  return { status: response.status, text: await response.text() };
}

assert.equal(await (await fetch(url)).text(), "the application itself");

const answer = await ask("small", "session-of-ada");
assert.equal(answer.status, 200);
assert.match(answer.text, /Hello/);

const refused = await ask("large", "session-of-ada");
assert.equal(refused.status, 403);
assert.match(refused.text, /model_not_allowed/);

const stranger = await ask("small");
assert.equal(stranger.status, 401);
assert.match(stranger.text, /log in first/);

console.log(log.join("\n"));
assert.deepEqual(log, ["ada small 200", "ada large 403"]);

if (process.env["PORT"] === undefined) {
  server.close();
  await gateway.close();
}
