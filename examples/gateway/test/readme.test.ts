import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { loadConfig } from "@signalbox/plugin-config";
import { createCatalog } from "../src/catalog.ts";
import { GUARDRAIL_NAMES } from "../src/guardrails/guardrails.ts";
import { GatewayProcess } from "./support/gateway-process.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

const ENV = {
  ANTHROPIC_API_KEY: "sk-ant-test",
  OPENAI_API_KEY: "sk-test",
  SIGNALBOX_MASTER_KEY: "sk-8f2d91c64e0b7a35",
};

/** What waits for servers that this test does not start. */
const WITH_SERVERS =
  /redis_url|health_check|type: redis-semantic|url: os|similarity|semantic_cache|database_url|presidio/;

async function starts(text: string): Promise<GatewayProcess> {
  folder = mkdtempSync(join(tmpdir(), "signalbox-example-"));
  const file = join(folder, "config.yaml");
  writeFileSync(file, text);
  running = new GatewayProcess(["--port", "0", "--config", file], { ...ENV, SIGNALBOX_DATA_DIR: folder });
  return await running.ready();
}

let folder: string | undefined;
let running: GatewayProcess | undefined;

afterEach(async () => {
  await running?.stop("SIGKILL");
  if (folder !== undefined) rmSync(folder, { recursive: true });
  [running, folder] = [undefined, undefined];
});

describe("config.example.yaml", () => {
  const path = fileURLToPath(new URL("../config.example.yaml", import.meta.url));
  const text = readFileSync(path, "utf8");

  test("starts as it is, with every area in it", async () => {
    const gateway = await starts(text);
    expect(gateway.stdout).toContain("  models   writer, small, embedder, local, gpt-4o\n");
    for (const part of [
      "master key and virtual keys",
      "spend in the file ",
      "guardrails secrets, personal, tools, moderation (where asked for)",
      "answers cached in memory for 600 s",
      "prompt caching for 1 deployment",
      "strategy latency-based-routing",
      "fallbacks for 1 model",
    ]) {
      expect(gateway.stdout).toContain(part);
    }
    const authorization = `Bearer ${ENV.SIGNALBOX_MASTER_KEY}`;
    const reply = await fetch(`${gateway.url}/key/generate`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ max_budget: 50 }),
    });
    expect(await reply.json()).toMatchObject({ max_budget: 50, budget_duration: "30d", models: ["small", "local"] });
    expect(await gateway.stop()).toMatchObject({ code: 0, stderr: "" });
  });

  test("is right about what is commented out", () => {
    const lines = text.split("\n").map((line) => {
      const bare = line.replace(/^( *)# /, "$1");
      return WITH_SERVERS.test(bare) || bare.includes("guardrail_name: names") ? bare : line;
    });
    const env = { ...ENV, REDIS_URL: "redis://127.0.0.1:1", DATABASE_URL: "postgres://app:hush@127.0.0.1:1/app" };
    const { stores, cache, guardrails } = loadConfig({
      text: lines.join("\n"),
      env,
      providers: createCatalog(env),
      guardrails: GUARDRAIL_NAMES,
    });
    expect(stores.redis?.url?.reveal()).toBe(env.REDIS_URL);
    expect(stores.databaseUrl?.reveal()).toBe(env.DATABASE_URL);
    expect(cache?.semantic).toEqual({ embeddingModel: "embedder", threshold: 0.95 });
    expect(guardrails.map(({ guardrail }) => guardrail)).toContain("presidio");
  });
});

test("the configuration of the README starts", async () => {
  const gateway = await starts(/^```yaml\n(.*?)^```/ms.exec(readme)?.[1] ?? "");
  expect(gateway.stdout).toContain("  models   writer, reserve, local\n");
  expect(await gateway.stop()).toMatchObject({ code: 0, stderr: "" });
});
