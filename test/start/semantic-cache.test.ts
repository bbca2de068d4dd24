import { afterAll, beforeAll, expect, test } from "vitest";
import { OwnRedis } from "../redis/own-redis.ts";
import { soon, Workshop } from "./configured.ts";

// Questions that mean the same are known to every process, where the cache is in Redis.

const workshop = new Workshop();
let redis: OwnRedis;
let config: string;

beforeAll(async () => {
  redis = await OwnRedis.start();
  config = `
model_list:
  - {model_name: parrot, litellm_params: {model: mock/echo}}
  - {model_name: meaning, litellm_params: {model: mock/fixed}}
litellm_settings:
  cache: true
  cache_params:
    type: redis-semantic
    url: redis://127.0.0.1:${redis.port}
    similarity_threshold: 0.8
    redis_semantic_cache_embedding_model: meaning
`;
}, 120_000);

afterAll(async () => {
  await workshop.close();
  await redis.stop();
});

async function ask(url: string, content: string) {
  const reply = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "parrot", messages: [{ role: "user", content }] }),
  });
  const { choices } = (await reply.json()) as { choices: { message: { content: string } }[] };
  return { text: choices[0]?.message.content ?? "", alike: reply.headers.get("x-signalbox-semantic-similarity") };
}

test("another process answers the like", async () => {
  const one = await workshop.start(config);
  const other = await workshop.start(config);
  expect(one.stdout).toContain(
    `answers cached in Redis at 127.0.0.1:${redis.port} for 3600 s, and alike questions (0.8) too`,
  );

  const first = await ask(one.url, "what is the capital city of france");
  expect(first).toMatchObject({ text: expect.stringContaining("capital city of france"), alike: null });
  // it is kept beside the call
  let alike: Awaited<ReturnType<typeof ask>> | undefined;
  await soon(async () => {
    alike = await ask(other.url, "what is the capital city of france please");
    return alike.alike !== null;
  }, "the other process found the like");
  expect(alike?.text).toBe(first.text);
  expect(Number(alike?.alike)).toBeGreaterThan(0.8);
  expect((await ask(other.url, "tell me a joke about owls")).alike).toBeNull();
});
