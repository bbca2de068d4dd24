import type { Gateway } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { masterKey } from "@signalbox/plugin-config";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { openai, openaiDialects } from "@signalbox/provider-openai";

/**
 * The gateway that is measured: two vendors, their dialects, a master key, one deployment. `lane` says whose wire format
 * the upstream speaks to the OpenAI client: `same` or `translated`.
 */
export function signalboxGateway(upstream: string, lane: string, key: string): Promise<Gateway> {
  const common = { model: "bench", apiKey: new Secret("sk-upstream") };
  return createGateway({
    plugins: [
      {
        name: "bench",
        authenticator: masterKey(key),
        providers: [openai(), anthropic()],
        dialects: [...openaiDialects(), ...anthropicDialects()],
      },
    ],
    deployments: [
      lane === "same"
        ? { ...common, id: "bench-1", provider: "openai", upstreamModel: "gpt-4.1-mini", baseUrl: `${upstream}/v1` }
        : { ...common, id: "bench-1", provider: "anthropic", upstreamModel: "claude-haiku-4-5", baseUrl: upstream },
    ],
  });
}
