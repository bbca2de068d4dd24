import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OwnServer } from "../chaos/money/own-servers.ts";
import { ownPostgres } from "../chaos/money/own-servers.ts";
import { OwnRedis } from "../redis/own-redis.ts";
import { soon, Workshop } from "./configured.ts";

// PostgreSQL and Redis end and come back while the gateway runs, and it says so; or come after it.

const KEY = "sk-8f2d91c64e0b7a3595d1";
const CONFIG = `
model_list: [{model_name: parrot, litellm_params: {model: mock/echo}}]
general_settings: {master_key: ${KEY}, database_url: os.environ/DATABASE}
router_settings: {redis_url: os.environ/REDIS}
`;

const workshop = new Workshop();
let postgres: OwnServer;
let redis: OwnRedis;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  postgres = await ownPostgres(mkdtempSync(join(tmpdir(), "signalbox-postgres-")));
  redis = await OwnRedis.start();
  env = { DATABASE: postgres.url, REDIS: `redis://127.0.0.1:${redis.port}` };
}, 120_000);

afterAll(async () => {
  await workshop.close();
  await redis.stop();
  await postgres.stop();
});

interface Readiness {
  readonly code: number;
  /** Names of what is down. */
  readonly down: readonly string[];
}

async function readiness(url: string): Promise<Readiness> {
  const response = await fetch(`${url}/health/readiness`);
  const { components } = (await response.json()) as { components: { name: string; ok: boolean }[] };
  return { code: response.status, down: components.filter(({ ok }) => !ok).map(({ name }) => name) };
}

const ask = async (url: string): Promise<number> => {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "parrot", messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.arrayBuffer();
  return response.status;
};

test("readiness names the store that is away, and is well again without a restart", { timeout: 120_000 }, async () => {
  const { url } = await workshop.start(CONFIG, env);
  expect(await readiness(url)).toEqual({ code: 200, down: [] });
  expect(await ask(url)).toBe(200);

  for (const [name, store] of [
    ["redis", redis],
    ["ledger-postgres", postgres],
  ] as const) {
    await store.stop();
    await soon(async () => (await readiness(url)).code === 503, `503 without ${name}`);
    expect((await readiness(url)).down).toContain(name);
    await store.start();
    await soon(async () => (await readiness(url)).code === 200, `200 with ${name}`);
    expect((await readiness(url)).down).toEqual([]);
    await soon(async () => (await ask(url)) === 200, `calls with ${name}`);
  }
});

test("--wait-for-stores waits for both, and without it the start fails", { timeout: 120_000 }, async () => {
  await redis.stop();
  await postgres.stop();
  const refused = await workshop.launch(CONFIG, env).ended;
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`Redis at 127.0.0.1:${redis.port} (router_settings.redis_…)`);
  expect(refused.stderr).toContain("use --wait-for-stores");

  const waiting = workshop.launch(CONFIG, env, "--wait-for-stores");
  let over = false;
  void waiting.ended.then(() => {
    over = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect({ over, stdout: waiting.stdout }).toEqual({ over: false, stdout: "" });
  await redis.start();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect({ over, stdout: waiting.stdout }).toEqual({ over: false, stdout: "" });
  await postgres.start();
  await waiting.ready();
  expect(await readiness(waiting.url)).toEqual({ code: 200, down: [] });
  expect(await ask(waiting.url)).toBe(200);
});
