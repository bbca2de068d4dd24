import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Gateway } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import type { Exchange, ReplayServer, SentRequest } from "@signalbox/kernel/testkit";
import { replayServer } from "@signalbox/kernel/testkit";
import { assemble } from "../../examples/gateway/src/assemble.ts";
import { chatBody } from "./scripted-gateway.ts";

const KEY = "k-3f81c07ae52b4d96a1";
const ENV = { GATEWAY_KEY: KEY, OPENAI_API_KEY: "sk-openai", ANTHROPIC_API_KEY: "sk-ant" };

export type Answers = Readonly<Record<string, Exchange | ((request: SentRequest) => Exchange)>>;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly [name: string]: unknown };
}

/** A gateway from YAML. `$UP` in it is the upstream's address; what comes first in a path chooses the answer. */
export class ConfiguredGateway {
  readonly upstream: ReplayServer;
  readonly gateway: Gateway;
  readonly listener: Listener;

  constructor(upstream: ReplayServer, gateway: Gateway, listener: Listener) {
    this.upstream = upstream;
    this.gateway = gateway;
    this.listener = listener;
  }

  /** First parts of the paths that were asked, in order. */
  get asked(): readonly string[] {
    return this.upstream.sent.map(({ path }) => path.split("/")[1] ?? "");
  }

  async post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return await this.#send(path, { method: "POST", body: JSON.stringify(body) }, headers);
  }

  async get(path: string): Promise<Reply> {
    return await this.#send(path, {}, {});
  }

  async chat(model: string, more: object = {}, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return await this.post("/v1/chat/completions", chatBody("openai", model, more), headers);
  }

  async close(): Promise<void> {
    await this.listener.close();
    await this.gateway.close();
    await this.upstream.close();
  }

  async #send(path: string, init: RequestInit, headers: Readonly<Record<string, string>>): Promise<Reply> {
    const response = await fetch(this.listener.url + path, {
      ...init,
      headers: { "content-type": "application/json", authorization: `Bearer ${KEY}`, ...headers },
    });
    const text = await response.text();
    const body = text.startsWith("{") ? (JSON.parse(text) as Reply["body"]) : { text };
    return { status: response.status, headers: response.headers, body };
  }
}

/** Serves a configuration; what no answer is given for gets `otherwise`. */
export async function configuredGateway(
  yaml: string,
  answers: Answers,
  otherwise: Exchange,
): Promise<ConfiguredGateway> {
  const upstream = await replayServer((request) => {
    const answer = answers[request.path.split("/")[1] ?? ""] ?? otherwise;
    return typeof answer === "function" ? answer(request) : answer;
  });
  const folder = mkdtempSync(join(tmpdir(), "signalbox-routing-"));
  const file = join(folder, "config.yaml");
  writeFileSync(
    file,
    `${yaml.replaceAll("$UP", upstream.url)}\ngeneral_settings: {master_key: os.environ/GATEWAY_KEY}\n`,
  );
  const options = { config: file, host: "127.0.0.1", port: 0, models: [], version: "0", data: "memory" };
  const gateway = await createGateway((await assemble(options, ENV)).gateway);
  rmSync(folder, { recursive: true });
  return new ConfiguredGateway(upstream, gateway, await listen(gateway, { port: 0, host: "127.0.0.1" }));
}
