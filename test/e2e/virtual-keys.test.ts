import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI, { AuthenticationError, RateLimitError } from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ReplayServer } from "@signalbox/kernel/testkit";
import { replayServer } from "@signalbox/kernel/testkit";
import { GatewayProcess, runToEnd } from "../../examples/gateway/test/support/gateway-process.ts";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase, redisUrl } from "../services/index.ts";

// The program that `npm start` runs, with a YAML file: teams have a virtual key and an address, and nothing else.

const MASTER = "sk-8f2d91c64e0b7a35d1";
/** What each answer of the upstream costs: ten tokens of a tenth of a cent. */
const COST = 0.01;

let upstream: ReplayServer;
let folder: string;
const running: GatewayProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-keys-"));
  upstream = await replayServer(() => ({
    body: {
      id: "c-1",
      object: "chat.completion",
      created: 1,
      model: "gpt-4o",
      choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 0, completion_tokens: 10, total_tokens: 10 },
    },
  }));
});

afterEach(async () => {
  for (const gateway of running.splice(0)) {
    gateway.child.kill("SIGKILL");
    await gateway.ended;
  }
  await upstream.close();
  rmSync(folder, { recursive: true });
});

function configuration(general = ""): string {
  const file = join(folder, "config.yaml");
  const model = (name: string): string => `
  - model_name: ${name}
    litellm_params:
      model: openai/gpt-4o
      api_key: sk-upstream
      api_base: ${upstream.url}/v1
      input_cost_per_token: 0
      output_cost_per_token: 0.001`;
  writeFileSync(
    file,
    `model_list:${model("gpt-4o")}${model("claude-sonnet")}${model("secret")}
general_settings: {master_key: os.environ/SIGNALBOX_MASTER_KEY${general}}
`,
  );
  return file;
}

async function start(env: Readonly<Record<string, string>> = {}, general = ""): Promise<GatewayProcess> {
  const gateway = new GatewayProcess(["--port", "0", "--config", configuration(general)], {
    SIGNALBOX_MASTER_KEY: MASTER,
    SIGNALBOX_DATA_DIR: join(folder, "data"),
    ...env,
  });
  running.push(gateway);
  return await gateway.ready();
}

async function manage(gateway: GatewayProcess, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(gateway.url + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${MASTER}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** The official client, as it is where `OPENAI_API_KEY` and `OPENAI_BASE_URL` are all that is set. */
function client(gateway: GatewayProcess, key: unknown): OpenAI {
  return new OpenAI({ apiKey: String(key), baseURL: `${gateway.url}/v1`, maxRetries: 0 });
}

async function ask(openai: OpenAI, model = "gpt-4o"): Promise<string | null | undefined> {
  const { choices } = await openai.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Hello" }],
    max_tokens: 10,
  });
  return choices[0]?.message.content;
}

interface KeyInfo {
  readonly info: { readonly spend: number; readonly max_budget: number; readonly models: readonly string[] };
}

/** What a key has spent, once as much is on record. */
async function spent(gateway: GatewayProcess, key: unknown, expected: number): Promise<number> {
  const until = Date.now() + 10_000;
  for (;;) {
    const { info } = (await manage(gateway, `/key/info?key=${String(key)}`)) as unknown as KeyInfo;
    if (info.spend >= expected || Date.now() > until) return info.spend;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("a team with a virtual key", () => {
  const REQUEST = {
    metadata: { team: "team-a" },
    max_budget: 50,
    budget_duration: "30d",
    models: ["gpt-4o", "claude-sonnet"],
  };

  test("uses the models that the key opens, and its spend shows", async () => {
    const gateway = await start();
    expect(gateway.stdout).toContain(`spend in the file ${join(folder, "data", "signalbox.db")}`);
    const { key } = await manage(gateway, "/key/generate", REQUEST);
    expect(key).toMatch(/^sk-/);
    expect(await ask(client(gateway, key))).toBe("Hello");
    expect(await ask(client(gateway, key), "claude-sonnet")).toBe("Hello");
    await expect(ask(client(gateway, key), "secret")).rejects.toMatchObject({ status: 403, code: "model_not_allowed" });
    await expect(ask(client(gateway, `${String(key)}x`))).rejects.toBeInstanceOf(AuthenticationError);
    expect(await spent(gateway, key, 2 * COST)).toBe(2 * COST);
    expect(await manage(gateway, "/global/spend")).toMatchObject({ spend: 2 * COST });
    expect(gateway.stdout + gateway.stderr).not.toContain(String(key));
  });

  test("is stopped by its budget, also after the process was killed and started again", async () => {
    const first = await start();
    const { key } = await manage(first, "/key/generate", { ...REQUEST, max_budget: 2.5 * COST });
    const { key: other } = await manage(first, "/key/generate", REQUEST);
    await ask(client(first, key));
    await ask(client(first, key));
    await expect(ask(client(first, key))).rejects.toBeInstanceOf(RateLimitError);
    first.child.kill("SIGKILL");
    await first.ended;

    const second = await start();
    expect(await spent(second, key, 2 * COST)).toBe(2 * COST);
    await expect(ask(client(second, key))).rejects.toMatchObject({ status: 429, code: "budget_exceeded" });
    expect(await ask(client(second, other))).toBe("Hello");
    expect(upstream.sent).toHaveLength(3);
  });
});

test("a budget of the file is each key's that has none, and no administrator's", async () => {
  const gateway = await start({}, `, max_budget: ${2.5 * COST}, budget_duration: 30d`);
  const { key } = await manage(gateway, "/key/generate", { models: ["gpt-4o"] });
  const { key: richer } = await manage(gateway, "/key/generate", { models: ["gpt-4o"], max_budget: 1 });
  for (const each of [key, richer, MASTER]) {
    await ask(client(gateway, each));
    await ask(client(gateway, each));
  }
  await expect(ask(client(gateway, key))).rejects.toMatchObject({ status: 429, code: "budget_exceeded" });
  expect(await ask(client(gateway, richer))).toBe("Hello");
  expect(await ask(client(gateway, MASTER))).toBe("Hello");
});

test("a second gateway on the same data directory is refused", async () => {
  await start();
  const { code, stdout, stderr } = await runToEnd(["--port", "0", "--config", configuration()], {
    SIGNALBOX_MASTER_KEY: MASTER,
    SIGNALBOX_DATA_DIR: join(folder, "data"),
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^signalbox: the ledger .*signalbox\.db is open in another gateway: one process per file\./);
});

test("another secret than the one that keys were made with is refused", async () => {
  const gateway = await start({ SIGNALBOX_SECRET: "0123456789abcdef0123456789abcdef" });
  expect(gateway.stdout).not.toContain("  note ");
  await manage(gateway, "/key/generate", {});
  await gateway.stop();
  const { code, stderr } = await runToEnd(["--port", "0", "--config", configuration()], {
    SIGNALBOX_MASTER_KEY: MASTER,
    SIGNALBOX_DATA_DIR: join(folder, "data"),
  });
  expect(code).toBe(1);
  expect(stderr).toContain("pepper");
});

describe("two gateways on one PostgreSQL and one Redis", () => {
  let database: OwnDatabase;

  beforeEach(async () => {
    database = await createDatabase();
  });

  afterEach(async () => {
    for (const gateway of running.splice(0)) {
      gateway.child.kill("SIGKILL");
      await gateway.ended;
    }
    await database.drop();
  });

  test("share a key and its budget", async () => {
    const redis = new URL(await redisUrl());
    // a database of its own: the counters of other tests are elsewhere
    redis.pathname = "/11";
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.href };
    const first = await start(env);
    const second = await start(env);
    const { hostname, port } = new URL(database.url);
    expect(first.stdout).toContain(`spend in PostgreSQL at ${hostname}:${port}`);
    expect(first.stdout).toContain(`limits and budgets in Redis at ${redis.hostname}:${redis.port}`);
    const { key } = await manage(first, "/key/generate", { models: ["gpt-4o"], max_budget: 2.5 * COST });
    await ask(client(first, key));
    await ask(client(second, key));
    await expect(ask(client(first, key))).rejects.toBeInstanceOf(RateLimitError);
    await expect(ask(client(second, key))).rejects.toBeInstanceOf(RateLimitError);
    expect(upstream.sent).toHaveLength(2);
    expect(await spent(second, key, 2 * COST)).toBe(2 * COST);

    const readiness = await fetch(`${first.url}/health/readiness`);
    const { components } = (await readiness.json()) as { components: { name: string; ok: boolean }[] };
    expect(readiness.status).toBe(200);
    const names = components.filter(({ ok }) => ok).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["redis", "ledger-postgres", "keys", "limits", "budgets", "pricing"]));
  });
});

describe("a store that is out of reach", () => {
  test.each([
    ["DATABASE_URL", "postgres://app:hush@127.0.0.1:1/app", "signalbox: PostgreSQL at 127.0.0.1:1 (DATABASE_URL): "],
    ["REDIS_URL", "redis://:hush@127.0.0.1:1", "signalbox: Redis at 127.0.0.1:1 (REDIS_URL): "],
  ])("ends the start: %s", async (name, url, begin) => {
    const { code, stdout, stderr } = await runToEnd(["--port", "0"], { [name]: url });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr.slice(0, begin.length)).toBe(begin);
    expect(stderr).toContain("; start it, correct its address, or use --wait-for-stores\n");
    expect(stderr).not.toContain("hush");
  });
});

test("without anywhere to keep it, readiness says that spend is in memory only", async () => {
  const gateway = await start({ SIGNALBOX_DATA_DIR: "memory" });
  expect(gateway.stdout).toContain("keeping of spend: it is kept in memory only");
  const { components } = (await (await fetch(`${gateway.url}/health/readiness`)).json()) as {
    components: { name: string; detail?: string }[];
  };
  expect(components).toContainEqual({
    name: "data",
    ok: true,
    detail: "spend and keys are kept in memory only: both end with this process",
  });
});
