// A cache of your own: what is cached, for whom and for how long stays the gateway's business.
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Gateway } from "@signalbox/kernel";
import { createGateway, textOf } from "@signalbox/kernel";
import { mock } from "@signalbox/provider-mock";
import { fileCache } from "./file-cache.ts";

const directory = await mkdtemp(join(tmpdir(), "custom-cache-"));

function start(): Promise<Gateway> {
  return createGateway({
    plugins: [
      { name: "vendors", providers: [mock()] },
      { name: "file-cache", cache: fileCache(directory) },
    ],
    caching: { ttlMs: 60_000 },
  });
}

/** The answer, and what the cache did. */
async function ask(gateway: Gateway, words: string, stream: boolean = false): Promise<string> {
  const { call, reply } = gateway.open({
    operation: "chat",
    request: { model: "mock/echo", stream, messages: [{ role: "user", content: [{ type: "text", text: words }] }] },
  });
  let step = await reply.next();
  while (step.done !== true) step = await reply.next();
  const { headers = [] } = call.trace;
  return `${textOf(step.value.choices[0]?.content ?? [])} (${headers[headers.indexOf("x-signalbox-cache") + 1]})`;
}

const first = await start();
console.log(`first:     ${await ask(first, "Good day")}`);
console.log(`again:     ${await ask(first, "Good day")}`);
console.log(`streamed:  ${await ask(first, "Good day", true)}`);
await first.close();

// Another process, another day.
const second = await start();
console.log(`restarted: ${await ask(second, "Good day")}`);
assert.equal((await readdir(directory)).length, 1);
await second.close();

await rm(directory, { recursive: true });
console.log("ok");
