import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen } from "@signalbox/express/node";
import { createGateway, Secret } from "@signalbox/kernel";
import { memoryCache } from "@signalbox/plugin-cache-memory";
import { keys } from "@signalbox/plugin-keys";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { mock } from "@signalbox/provider-mock";
import { openaiDialects } from "@signalbox/provider-openai";

const MASTER = "sk-master-key-of-the-gateway-0001";

let url: string;
let close: () => Promise<void>;

beforeAll(async () => {
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [mock()], dialects: openaiDialects() },
      sqliteLedger({ file: ":memory:" }),
      keys({ masterKeys: [new Secret(MASTER)], pepper: new Secret("pepper-of-the-tests-0123456789-abcdef") }),
      memoryCache(),
    ],
    deployments: [{ id: "echo", model: "echo", provider: "mock", upstreamModel: "echo" }],
  });
  const listener = await listen(gateway, { port: 0 });
  url = listener.url;
  close = async () => {
    await listener.close();
    await gateway.close();
  };
});
afterAll(() => close());

async function made(path: string, body: object): Promise<Readonly<Record<string, string>>> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${MASTER}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as Readonly<Record<string, string>>;
}

async function asking(grant: object, cache: object | undefined, headers: Readonly<Record<string, string>> = {}) {
  const { key } = await made("/key/generate", { models: ["echo"], ...grant });
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: String(key), maxRetries: 0 });
  const request = { model: "echo", messages: [{ role: "user" as const, content: "Hi" }], cache };
  const { response } = await client.chat.completions.create(request as never, { headers }).withResponse();
  return response.headers.get("x-signalbox-cache");
}

describe("the controls that a key may use", () => {
  const granted = { allowed_cache_controls: ["ttl", "no-cache"] };

  it("are those that it was granted; others are refused, and without effect in the header", async () => {
    expect(await asking(granted, { ttl: 60, "no-cache": true })).toBe("miss");
    await expect(asking(granted, { "no-store": true })).rejects.toMatchObject({
      status: 403,
      param: "cache.no-store",
    });
    expect(await asking(granted, undefined, { "cache-control": "no-cache, no-store" })).toBe("miss");
    expect(await asking(granted, { "no-cache": true, "no-store": false })).toBe("miss");
  });

  it("are its team's where it says nothing itself, and all where nobody does", async () => {
    const { team_id } = await made("/team/new", { allowed_cache_controls: ["ttl"], models: ["echo"] });
    await expect(asking({ team_id }, { "no-cache": true })).rejects.toMatchObject({ status: 403 });
    expect(await asking({ team_id, ...granted }, { "no-cache": true })).toBe("miss");
    expect(await asking({}, { "no-cache": true, "no-store": true })).toBe("bypass");
  });
});
