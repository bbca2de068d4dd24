import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it } from "vitest";
import type { Gateway, ListedModel, Principal, Provider } from "@signalbox/kernel";
import { APPLICATION, createGateway } from "@signalbox/kernel";

const open: Gateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

function listing(name: string, models: () => Promise<readonly ListedModel[]>): Provider {
  return { name, operations: {}, listModels: models };
}

async function gatewayOf(providers: readonly Provider[], named: readonly string[] = []): Promise<Gateway> {
  const gateway = await createGateway({
    plugins: [{ name: "p", providers }],
    deployments: [
      ...named.map((model) => ({ id: model, model, provider: "local", upstreamModel: "x" })),
      ...providers.map(({ name }) => ({ id: `${name}/*`, model: `${name}/*`, provider: name, upstreamModel: "*" })),
    ],
  });
  open.push(gateway);
  return gateway;
}

describe("the catalogue of models", () => {
  it("names what is configured and fills wildcards in with what providers list, asking once", async () => {
    let asked = 0;
    const local = listing("local", async () => {
      asked += 1;
      return [{ id: "qwen", createdAt: 7 }, { id: "llama" }];
    });
    const gateway = await gatewayOf([local], ["fast", "local/qwen"]);
    const expected = [
      { name: "fast", provider: "local" },
      { name: "local/qwen", provider: "local" },
      { name: "local/llama", provider: "local" },
    ];
    expect(await gateway.catalog(APPLICATION)).toEqual(expected);
    expect(await gateway.catalog(APPLICATION)).toEqual(expected);
    expect(asked).toBe(1);
  });

  it("shows a caller only what was granted", async () => {
    const gateway = await gatewayOf([listing("local", async () => [{ id: "qwen" }, { id: "llama" }])], ["fast"]);
    const principal: Principal = { id: "k", kind: "key", admin: false, models: ["local/q*"] };
    expect(await gateway.catalog(principal)).toEqual([{ name: "local/qwen", provider: "local" }]);
    expect(await gateway.catalog({ ...principal, models: [] })).toEqual([]);
  });

  it("leaves out a provider that does not answer, and says so", async () => {
    const reports: unknown[] = [];
    const listener = (message: unknown): void => void reports.push(message);
    subscribe("signalbox:listing-error", listener);
    const gateway = await gatewayOf([
      listing("local", async () => [{ id: "qwen" }]),
      listing("down", () => Promise.reject(new Error("connection refused"))),
    ]);
    expect(await gateway.catalog(APPLICATION)).toEqual([{ name: "local/qwen", provider: "local" }]);
    unsubscribe("signalbox:listing-error", listener);
    expect(reports).toMatchObject([{ deployment: "down/*" }]);
  });
});
