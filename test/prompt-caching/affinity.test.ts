import { expect, it } from "vitest";
import type { Deployment, Plugin } from "@signalbox/kernel";
import { Secret } from "@signalbox/kernel";
import { promptCaching } from "@signalbox/plugin-prompt-caching";
import { routing } from "@signalbox/plugin-routing";
import { scriptedGateway, UPSTREAM_KEY } from "../e2e/scripted-gateway.ts";
import { cachingUpstream } from "./caching-upstream.ts";

const COUNT = 5;

/** Several accounts, each with a cache of its own. */
const accounts = (upstreamUrl: string): readonly Deployment[] =>
  Array.from({ length: COUNT }, (_, index) => ({
    id: `account-${index}`,
    model: "claude",
    provider: "anthropic",
    upstreamModel: "claude-sonnet-4-5",
    baseUrl: `${upstreamUrl}/${index}`,
    apiKey: new Secret(UPSTREAM_KEY),
  }));

const QUESTION = { role: "user", content: "q".repeat(400) };
const ANSWER = { role: "assistant", content: "a".repeat(40) };

/** Tokens that were read of each request of some conversations, one after the other. */
async function readTokens(plugins: readonly Plugin[]): Promise<readonly (readonly number[])[]> {
  const scripted = await scriptedGateway({ plugins, deployments: accounts });
  const upstreams = Array.from({ length: COUNT }, () => cachingUpstream());
  scripted.answer((request) => {
    const index = Number(/^\/(\d)\//.exec(request.path)?.[1]);
    return (upstreams[index] as (typeof upstreams)[number]).reply(request);
  });
  const conversations = [];
  for (let number = 0; number < 8; number++) {
    const read = [];
    const messages = [QUESTION];
    for (let turn = 0; turn < 3; turn++) {
      const system = `${number}`.repeat(8_000);
      const { headers } = await scripted.post("/v1/messages", { model: "claude", max_tokens: 10, system, messages });
      read.push(Number(headers.get("x-signalbox-prompt-cache-read-tokens")));
      messages.push(ANSWER, QUESTION);
    }
    conversations.push(read);
  }
  await scripted.close();
  return conversations;
}

it("with the router's affinity, conversations go where their beginning was written, although it decides before", async () => {
  const read = await readTokens([promptCaching(), routing({ promptCacheAffinity: true })]);
  expect(read).toEqual(Array.from({ length: 8 }, () => [0, 2_000, 2_210]));
});

it("without it they do not", async () => {
  const read = await readTokens([promptCaching(), routing()]);
  expect(read.flat().filter((tokens) => tokens > 0).length).toBeLessThan(16);
});
