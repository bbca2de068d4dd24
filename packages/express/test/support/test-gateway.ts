import type { Authenticator, Gateway, Plugin, Principal } from "@signalbox/kernel";
import { createGateway, GatewayError } from "@signalbox/kernel";
import { anthropicLike, geminiLike, openaiLike } from "./dialects.ts";
import { ScriptedProvider } from "./scripted-provider.ts";

export const KEY = "sk-caller";
export const ADMIN_KEY = "sk-admin";

const CALLER: Principal = { id: "caller", kind: "key", admin: false, models: ["*"] };
const ADMIN: Principal = { id: "admin", kind: "master", admin: true, models: ["*"] };

/** Knows two keys; answers at once or later. */
export function keys(later: boolean = false): Authenticator {
  return {
    required: true,
    authenticate({ key }) {
      const principal = key === KEY ? CALLER : key === ADMIN_KEY ? ADMIN : undefined;
      const refusal = new GatewayError("invalid_api_key", "no valid API key was given");
      if (later) return principal === undefined ? Promise.reject(refusal) : Promise.resolve(principal);
      if (principal === undefined) throw refusal;
      return principal;
    },
  };
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly provider: ScriptedProvider;
}

/** Three small dialects over the scripted provider; every model is served as itself. */
export async function testGateway(plugin: Partial<Plugin> = {}): Promise<TestGateway> {
  const provider = new ScriptedProvider();
  const gateway = await createGateway({
    plugins: [{ name: "test", providers: [provider], dialects: [openaiLike, anthropicLike, geminiLike], ...plugin }],
    deployments: [
      { id: "scripted-all", model: "*", provider: "scripted", upstreamModel: "*" },
      { id: "named", model: "named", provider: "scripted", upstreamModel: "whole" },
    ],
  });
  return { gateway, provider };
}
