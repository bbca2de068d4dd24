import { expect, it } from "vitest";
import { createGateway } from "@signalbox/kernel";
import { loadConfig, providerCatalog } from "@signalbox/plugin-config";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { routing } from "@signalbox/plugin-routing";
import { anthropic } from "@signalbox/provider-anthropic";
import { openai } from "@signalbox/provider-openai";
import { hostProvider } from "@signalbox/provider-openai-compatible";
import { read } from "../repository/workspace.ts";

const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(read("docs/routing.md")) ?? [];

it("the configuration of docs/routing.md routes as the page says", async () => {
  const config = loadConfig({
    text: yaml,
    env: { ANTHROPIC_API_KEY: "sk-ant-0123456789", OPENAI_API_KEY: "sk-0123456789" },
    providers: providerCatalog([anthropic(), openai(), hostProvider("ollama")]),
  });
  expect(config.warnings).toEqual([]);
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: config.providers },
      routing(config.routing),
      fallbacks(config.resilience),
      ...config.plugins,
    ],
    deployments: config.deployments,
    fallbacks: config.fallbacks,
    aliases: config.aliases,
  });
  const { model, attempts } = await gateway.explain({
    operation: "chat",
    request: { model: "assistant", messages: [] },
  });
  expect(model).toBe("chat");
  expect(attempts.map(({ provider }) => provider).sort()).toEqual(["anthropic", "ollama", "openai"]);
  expect(attempts.at(-1)?.provider).toBe("ollama");
  await gateway.close();
});
