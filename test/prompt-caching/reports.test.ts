import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import { expect, it } from "vitest";
import { listen } from "@signalbox/express/node";
import type { EntryStore } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { replayServer } from "@signalbox/kernel/testkit";
import { budgets } from "@signalbox/plugin-budgets";
import { keys } from "@signalbox/plugin-keys";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { pricing } from "@signalbox/plugin-pricing";
import { promptCaching } from "@signalbox/plugin-prompt-caching";
import { spend } from "@signalbox/plugin-spend";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { cachingUpstream } from "./caching-upstream.ts";

const MASTER = "sk-master-key-of-the-gateway-0001";

it("entries and reports tell what the prompt cache has saved each key and team, streams among them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-prompt-cache-"));
  const upstream = cachingUpstream();
  const server = await replayServer(upstream.reply);
  const ledger = sqliteLedger({ file: join(folder, "ledger.db") });
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [anthropic({ apiKey: "sk-ant" })], dialects: anthropicDialects() },
      ledger,
      keys({ masterKeys: [new Secret(MASTER)], pepper: new Secret("pepper-of-the-tests-0123456789-abcdef") }),
      pricing({ now: () => Date.parse("2025-11-20T12:00:00Z") }),
      budgets(),
      spend(),
      promptCaching(),
    ],
    deployments: [
      { id: "a", model: "claude", provider: "anthropic", upstreamModel: "claude-sonnet-4-5", baseUrl: server.url },
    ],
  });
  const listener = await listen(gateway, { port: 0 });
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into by literal expectations
  const manage = async (path: string, body?: object): Promise<any> => {
    const headers = { authorization: `Bearer ${MASTER}`, "content-type": "application/json" };
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    return await (await fetch(listener.url + path, { ...init, headers })).json();
  };
  try {
    await manage("/team/new", { team_id: "red" });
    const reader = await manage("/key/generate", { team_id: "red", key_alias: "reader" });
    const writer = await manage("/key/generate", { key_alias: "writer", models: ["claude"] });
    const client = (key: string) => new Anthropic({ baseURL: listener.url, apiKey: key, maxRetries: 0 });
    const ask = (letter: string) => ({
      model: "claude",
      max_tokens: 100,
      system: letter.repeat(8_000),
      messages: [{ role: "user" as const, content: "q".repeat(400) }],
    });
    await client(reader.key).messages.create(ask("s"));
    await client(reader.key).messages.stream(ask("s")).finalMessage();
    await client(writer.key).messages.create(ask("t"));

    const reported = async () =>
      Object.fromEntries((await manage("/spend/keys")).map((row: never) => [row["key_alias"], row]));
    await expect.poll(async () => (await manage("/spend/logs")).length).toBe(3);
    expect(await reported()).toMatchObject({
      reader: { cache_savings: 0.0039, cache_savings_nano: "3900000", cache_read_input_tokens: 2_000 },
      writer: { cache_savings: -0.0015, cache_read_input_tokens: 0, cache_creation_input_tokens: 2_000 },
    });
    const teams = await manage("/team/daily/activity?team_ids=red");
    expect(teams.metadata).toMatchObject({ total_cache_savings: 0.0039 });
    const entries = await (ledger.entryStore as EntryStore).list({ ascending: true });
    // 2,000 tokens written (−0.75 µ$ each), read (2.70 µ$), written
    expect(entries.map(({ cacheSavings }) => cacheSavings)).toEqual([-1_500_000n, 5_400_000n, -1_500_000n]);
  } finally {
    await listener.close();
    await gateway.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
