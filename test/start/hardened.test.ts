import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase, redisUrl } from "../services/index.ts";
import { Workshop } from "./configured.ts";

// A configuration as teams have it that hardened theirs: everything but its alerts works as it is written.

const MASTER_KEY = "sk-8f2d91c64e0b7a3595d1";
const KEYS = { OPENAI_API_KEY: "sk-openai", ANTHROPIC_API_KEY: "sk-ant", LITELLM_MASTER_KEY: MASTER_KEY };

const MODELS = ["gpt-4o", "claude-opus", "local-qwen-32b"];

interface Places {
  readonly database: string;
  readonly redisHost: string;
  readonly redisPort: string;
  readonly ollama: string;
}

const hardened = ({ database, redisHost, redisPort, ollama }: Places, alerting = ""): string => `
model_list:
  - model_name: "gpt-4o"
    litellm_params: {model: "openai/gpt-4o", api_key: os.environ/OPENAI_API_KEY, rpm: 500, tpm: 300000, api_base: "${ollama}/broken"}
  - model_name: "claude-opus"
    litellm_params: {model: "anthropic/claude-opus-4-20250514", api_key: os.environ/ANTHROPIC_API_KEY, api_base: "${ollama}/broken"}
  - model_name: "local-qwen-32b"
    litellm_params: {model: "ollama/qwen3:32b", api_base: "${ollama}"}
router_settings:
  fallbacks:
    - gpt-4o: [claude-opus, local-qwen-32b]
    - claude-opus: [gpt-4o, local-qwen-32b]
  retry_policy:
    num_retries: 0
    retry_after: 1
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: "${database}"
${alerting}  budget_duration: "30d"
  max_budget: 500
litellm_settings:
  cache: true
  cache_params:
    type: "redis"
    host: "${redisHost}"
    port: ${redisPort}
    ttl: 300
  drop_params: true
  set_verbose: false
`;

let asked = 0;
const upstream = createServer((request, response) => {
  request.resume();
  if (request.url?.startsWith("/broken") === true) {
    response.writeHead(500, { "content-type": "application/json" }).end('{"error":{"message":"down"}}');
    return;
  }
  asked++;
  const message = { role: "assistant", content: `answer ${asked}` };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(
    JSON.stringify({
      id: "1",
      object: "chat.completion",
      created: 1,
      model: "qwen3:32b",
      choices: [{ index: 0, message, finish_reason: "stop" }],
      usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 },
    }),
  );
});

const workshop = new Workshop();
let database: OwnDatabase;
let places: Places;

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  database = await createDatabase();
  const redis = new URL(await redisUrl());
  places = {
    database: database.url.replace("postgres:", "postgresql:"),
    redisHost: redis.hostname,
    redisPort: redis.port,
    ollama: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
  };
}, 120_000);

afterAll(async () => {
  await workshop.close();
  await database.drop();
  upstream.close();
});

const call = async (url: string, key: string, path: string, body?: object): Promise<Response> =>
  await fetch(`${url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const chat = (content: string, model = "local-qwen-32b"): object => ({ model, messages: [{ role: "user", content }] });

test("is refused for its alerts alone, with the place of the line", async () => {
  const text = hardened(places, '  alerting: ["slack"]\n  alerting_threshold: 300\n');
  const { code, stderr } = await workshop.launch(text, KEYS).ended;
  expect(code).toBe(1);
  const lines = stderr.trimEnd().split("\n");
  expect(lines.map((line) => line.replace(/^\S+config\.yaml:/, ""))).toEqual([
    "signalbox: the configuration has 2 problems",
    '19:3  general_settings.alerting: needs the plugin "alerts", which this gateway does not have; remove the key, or add the plugin',
    '20:3  general_settings.alerting_threshold: needs the plugin "alerts", which this gateway does not have; remove the key, or add the plugin',
  ]);
});

test("without them it does what it says", { timeout: 60_000 }, async () => {
  const gateway = await workshop.start(hardened(places), KEYS);
  const { url, stdout } = gateway;
  expect(stdout).toContain(`answers cached in Redis at ${places.redisHost}:${places.redisPort} for 300 s`);
  expect(stdout).toContain("spend in PostgreSQL at ");
  expect(stdout).toContain("fallbacks for 2 models");
  expect(stdout).toContain("set_verbose changes nothing");

  const made = await call(url, MASTER_KEY, "/key/generate", { models: MODELS, key_alias: "team-a" });
  const { key } = (await made.json()) as { key: string };

  const question = `What is new? ${Math.random()}`;
  const first = await call(url, key, "/v1/chat/completions", chat(question));
  const answer = await first.text();
  expect({ status: first.status, cache: first.headers.get("x-signalbox-cache"), answer }).toMatchObject({
    status: 200,
    cache: "miss",
    answer: expect.stringContaining("answer 1"),
  });
  const second = await call(url, key, "/v1/chat/completions", chat(question));
  expect(second.headers.get("x-signalbox-cache")).toBe("hit");
  expect(await second.text()).toContain("answer 1");
  expect(asked).toBe(1);

  // both of its vendors are down: the ladder ends at the local model
  const fallen = await call(url, key, "/v1/chat/completions", chat(`${question} Again?`, "gpt-4o"));
  expect(fallen.status).toBe(200);
  expect(fallen.headers.get("x-signalbox-model-group")).toBe("local-qwen-32b");
  expect(await fallen.text()).toContain("answer 2");

  // what nobody may see of another
  const other = (await (await call(url, MASTER_KEY, "/key/generate", { models: MODELS })).json()) as {
    key: string;
  };
  const third = await call(url, other.key, "/v1/chat/completions", chat(question));
  expect(third.headers.get("x-signalbox-cache")).toBe("miss");

  const ready = (await (await fetch(`${url}/health/readiness`)).json()) as { status: string };
  expect(ready.status).toBe("ok");
  expect(await gateway.stop()).toMatchObject({ code: 0, stderr: "" });

  // keys and answers are still there after a restart
  const again = await workshop.start(hardened(places), KEYS);
  const fourth = await call(again.url, key, "/v1/chat/completions", chat(question));
  expect(fourth.headers.get("x-signalbox-cache")).toBe("hit");
});

test("a key that is misspelt stops the start", async () => {
  const { code, stderr } = await workshop.launch(hardened(places).replace("ttl: 300", "tll: 300"), KEYS).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('litellm_settings.cache_params.tll: unknown key. Did you mean "ttl"');
});

test("a cache that is not there stops the start, and says which and what to do", async () => {
  const { code, stderr } = await workshop.launch(hardened({ ...places, redisPort: "1" }), KEYS).ended;
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      `signalbox: Redis at ${places.redisHost}:1 (litellm_settings.cache_params): cache-redis: Redis cannot be used: ` +
      "nothing listens there; start it, correct its address, or use --wait-for-stores\n",
  });
});
