import type { ListenOptions } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Deployment, Gateway, Plugin } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { MemoryRecords } from "@signalbox/kernel/testkit";
import type { KeysOptions } from "@signalbox/plugin-keys";
import { keys } from "@signalbox/plugin-keys";
import { mock } from "@signalbox/provider-mock";
import { openaiDialects } from "@signalbox/provider-openai";

export const MASTER = "sk-master-key-of-the-gateway-0001";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into by literal expectations
  readonly body: any;
}

/** A gateway with virtual keys, served over HTTP. */
export interface KeysGateway {
  readonly gateway: Gateway;
  readonly url: string;
  readonly store: MemoryRecords;
  /** Asks the management API: `api("POST /key/generate", { models: ["small"] }, key)`. Without a key: the master key. */
  api(route: string, body?: unknown, key?: string): Promise<Answer>;
  /** Asks a model. */
  chat(key: string, model?: string, more?: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** A user with this role, and a key of its own. */
  user(id: string, more?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

const serves = (model: string): Deployment => ({ id: model, model, provider: "mock", upstreamModel: "echo" });

export async function keysGateway(
  store: MemoryRecords = new MemoryRecords(),
  plugins: readonly Plugin[] = [],
  options: Partial<KeysOptions> = {},
  served: ListenOptions = {},
): Promise<KeysGateway> {
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [mock()], dialects: openaiDialects() },
      ...(plugins.some(({ recordStore }) => recordStore !== undefined) ? [] : [{ name: "store", recordStore: store }]),
      keys({
        masterKeys: [new Secret(MASTER)],
        pepper: new Secret("pepper-of-the-tests-0123456789-abcdef"),
        ...options,
      }),
      ...plugins,
    ],
    deployments: [serves("small"), serves("large"), serves("gpt-4o"), serves("claude-sonnet")],
  });
  const listener = await listen(gateway, { port: 0, ...served });
  const ask = async (method: string, path: string, key: string, body: unknown): Promise<Answer> => {
    const response = await fetch(listener.url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  };
  const api: KeysGateway["api"] = (route, body, key = MASTER) => {
    const [method = "", path = ""] = route.split(" ");
    return ask(method, path, key, body);
  };
  return {
    gateway,
    url: listener.url,
    store,
    api,
    chat: (key, model = "small", more = {}) =>
      ask("POST", "/v1/chat/completions", key, { model, messages: [{ role: "user", content: "ping" }], ...more }),
    async user(id, more = {}) {
      const { status, body } = await api("POST /user/new", { user_id: id, ...more });
      if (status !== 200) throw new Error(JSON.stringify(body));
      return body.key as string;
    },
    async close() {
      await listener.close();
      await gateway.close();
    },
  };
}
