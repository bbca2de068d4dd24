import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { listen } from "@signalbox/express/node";
import type { Gateway, Plugin } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { memoryCache } from "@signalbox/plugin-cache-memory";
import { mock } from "@signalbox/provider-mock";
import { openaiDialects } from "@signalbox/provider-openai";

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const ADMIN = "sk-admin";

/** `sk-admin` may do everything, any other key is a caller of its own team. */
const access: Plugin = {
  name: "access",
  authenticator: {
    required: true,
    authenticate: ({ key = "" }) => ({
      id: key,
      kind: key === ADMIN ? "master" : "key",
      admin: key === ADMIN,
      models: ["*"],
      ...(key !== ADMIN && { teamId: key }),
    }),
  },
};

async function served(plugins: readonly Plugin[] = [memoryCache()]): Promise<{ url: string; gateway: Gateway }> {
  const gateway = await createGateway({
    plugins: [{ name: "vendors", providers: [mock()], dialects: openaiDialects() }, access, ...plugins],
  });
  const listener = await listen(gateway, { port: 0 });
  closing.push(async () => {
    await listener.close();
    await gateway.close();
  });
  return { url: listener.url, gateway };
}

function client(url: string, apiKey: string = "sk-team"): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
}

async function manage(url: string, path: string, body?: unknown, key: string = ADMIN) {
  const response = await fetch(url + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const asked = { model: "mock/echo", messages: [{ role: "user" as const, content: "Hello" }] };

describe("caching, through the OpenAI client", () => {
  it("serves streams and plain requests from one answer, and says so in headers", async () => {
    const { url } = await served();
    const openai = client(url);
    const first = await openai.chat.completions.create(asked).withResponse();
    expect(first.response.headers.get("x-signalbox-cache")).toBe("miss");
    const again = await openai.chat.completions.create(asked).withResponse();
    expect(again.response.headers.get("x-signalbox-cache")).toBe("hit");
    expect(again.response.headers.get("x-signalbox-cache-key")).toMatch(/^[\w-]{43}$/);
    expect(again.data.choices[0]?.message.content).toBe(first.data.choices[0]?.message.content);
    expect(again.data.usage).toEqual(first.data.usage);
    const stream = await openai.chat.completions.create({ ...asked, stream: true });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe(first.data.choices[0]?.message.content);
  });

  it("takes a request's own wishes", async () => {
    const { url } = await served();
    const openai = client(url);
    const wishing = (cache: unknown) =>
      openai.chat.completions.create({ ...asked, cache } as typeof asked).withResponse();
    await wishing({ ttl: 60 });
    expect((await wishing({ "no-cache": true })).response.headers.get("x-signalbox-cache")).toBe("miss");
    expect((await wishing(undefined)).response.headers.get("x-signalbox-cache")).toBe("hit");
    await expect(wishing({ tll: 60 })).rejects.toMatchObject({ status: 400, param: "cache.tll" });
    const header = await openai.chat.completions
      .create(asked, { headers: { "cache-control": "no-store, no-cache" } })
      .withResponse();
    expect(header.response.headers.get("x-signalbox-cache")).toBe("bypass");
  });

  it("keeps teams apart", async () => {
    const { url } = await served();
    await client(url, "sk-one").chat.completions.create(asked);
    const { response } = await client(url, "sk-two").chat.completions.create(asked).withResponse();
    expect(response.headers.get("x-signalbox-cache")).toBe("miss");
  });
});

describe("the routes for administrators", () => {
  it("tell what the cache holds", async () => {
    const { url } = await served();
    await client(url).chat.completions.create(asked);
    await client(url).chat.completions.create(asked);
    const { status, body } = await manage(url, "/cache/ping");
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "healthy", cache_type: "cache-memory", ping_response: true });
    expect((await manage(url, "/cache/stats")).body).toMatchObject({
      "cache-memory": { hits: 1, misses: 1, kept: 1, refused: 0, entries: 1 },
    });
  });

  it("forget one answer, or all", async () => {
    const { url } = await served();
    const openai = client(url);
    await openai.chat.completions.create(asked);
    const { response } = await openai.chat.completions.create(asked).withResponse();
    const key = response.headers.get("x-signalbox-cache-key");
    expect(await manage(url, "/cache/delete", { keys: [key, "unknown"] })).toEqual({
      status: 200,
      body: { status: "success", deleted: { "cache-memory": 1 } },
    });
    const after = await openai.chat.completions.create(asked).withResponse();
    expect(after.response.headers.get("x-signalbox-cache")).toBe("miss");
    expect((await manage(url, "/cache/flushall", {})).body).toEqual({
      status: "success",
      deleted: { "cache-memory": 1 },
    });
  });

  it.each([
    [{ key: ["a"] }, 400, "unknown_field", "key"],
    [{}, 400, "invalid_request", "keys"],
    [{ keys: "a" }, 400, "invalid_request", "keys"],
  ])("refuse %j", async (body, status, code, param) => {
    const { url } = await served();
    const answer = await manage(url, "/cache/delete", body);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatchObject({ code, param });
  });

  it("are for administrators, and not there without a cache", async () => {
    const { url } = await served();
    expect((await manage(url, "/cache/flushall", {}, "sk-team")).status).toBe(403);
    const without = await served([]);
    expect((await manage(without.url, "/cache/ping")).status).toBe(404);
  });
});
