import { afterAll, expect, test } from "vitest";
import { createTransport } from "@signalbox/kernel/http";
import type { Exchange } from "@signalbox/kernel/testkit";
import { replayServer } from "@signalbox/kernel/testkit";
import { discover, findHost, HOSTS } from "../src/index.ts";

const transport = createTransport();
afterAll(() => transport.close?.());

const hosts = ["llamacpp", "llamafile", "lmstudio", "ollama", "vllm"].flatMap((id) => findHost(id) ?? []);

test("says what each server has, and why another has nothing", async () => {
  const list = {
    status: 200,
    contentType: "application/json",
    body: { object: "list", data: [{ id: "qwen3" }] },
  } as Exchange;
  const alive = await replayServer(list);
  const gone = await replayServer(list);
  await gone.close();
  const env = {
    OLLAMA_HOST: alive.url,
    LLAMACPP_API_BASE: gone.url,
    LLAMAFILE_API_BASE: gone.url,
    HOSTED_VLLM_API_BASE: alive.url,
    LM_STUDIO_API_BASE: gone.url,
  };
  const found = await discover({ transport, hosts, env, timeoutMs: 5000 });
  expect(found.map(({ host, baseUrl, models, error }) => [host.id, baseUrl, models, error?.code])).toEqual([
    ["llamacpp", `${gone.url}/v1`, [], "provider_error"],
    ["ollama", `${alive.url}/v1`, [{ id: "qwen3" }], undefined],
  ]);
  expect(alive.sent).toHaveLength(1);
  await alive.close();
});

test("a server that keeps silent is left after the limit", async () => {
  const silent = await replayServer(() => new Promise<Exchange>(() => {}));
  const [answer] = await discover({
    transport,
    hosts: hosts.slice(0, 1),
    env: { LLAMACPP_API_BASE: silent.url },
    timeoutMs: 30,
  });
  expect(answer?.error?.code).toBe("timeout");
  await silent.close();
});

test("by default every server of one's own whose address is known is asked", async () => {
  const asked: string[] = [];
  const refuse = (request: { origin: string }): never => {
    asked.push(request.origin);
    throw new Error("refused");
  };
  const found = await discover({
    transport: { send: async (request) => refuse(request), open: async (request) => refuse(request) },
  });
  expect(new Set(asked).size).toBeGreaterThan(8);
  expect(asked.every((origin) => /^http:\/\/(localhost|127\.0\.0\.1):\d+$/.test(origin))).toBe(true);
  expect(found.every(({ error }) => error?.code === "internal_error")).toBe(true);
  expect(HOSTS.filter(({ keyOptional }) => keyOptional === true).length).toBeGreaterThanOrEqual(found.length);
});
