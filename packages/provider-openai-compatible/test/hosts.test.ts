import { describe, expect, test } from "vitest";
import { findHost, HOSTS, hostProvider, hostsWithKeys } from "../src/index.ts";
import { QUIRKS } from "../src/quirks.ts";

/** Slugs that users of LiteLLM have in their configuration. */
const LITELLM =
  "groq xai zai together_ai openrouter baseten vllm hosted_vllm deepinfra perplexity nvidia_nim cerebras ai21_chat " +
  "volcengine dashscope moonshot publicai v0 morph lambda_ai deepseek sambanova xinference fireworks_ai friendliai " +
  "featherless_ai empower github compactifai docker_model_runner llamafile lm_studio galadriel nebius novita " +
  "meta_llama nscale helicone hyperbolic aiml cometapi wandb ovhcloud lemonade amazon_nova minimax synthetic apertis " +
  "nano-gpt poe chutes xiaomi_mimo veniceai scaleway abliteration llamagate gmi sarvam anyscale litellm_proxy " +
  "openai_like custom_openai aiohttp_openai custom aihubmix crusoe cortecs ollama ollama_chat huggingface snowflake " +
  "databricks github_copilot heroku gradient_ai vercel_ai_gateway cloudflare oobabooga";

describe("the table", () => {
  test("has more than a hundred hosts in order of id, each id and alias once", () => {
    expect(HOSTS.length).toBeGreaterThan(150);
    expect(HOSTS.map(({ id }) => id)).toEqual(HOSTS.map(({ id }) => id).sort());
    const slugs = HOSTS.flatMap(({ id, aliases }) =>
      [id, ...(aliases ?? [])].map((slug) => slug.replace(/[_.]/g, "-")),
    );
    expect(slugs.filter((slug, index) => slugs.indexOf(slug) !== index)).toEqual([]);
  });

  test.each(HOSTS.map((host) => [host.id, host] as const))("%s has a sound row", (id, host) => {
    expect(id).toMatch(/^[a-z0-9][a-z0-9.-]*$/);
    expect(host.name).not.toBe("");
    expect(host.env.length).toBeGreaterThan(0);
    for (const name of [...host.env, ...(host.baseUrlEnv ?? [])]) expect(name).toMatch(/^[A-Z0-9_]+$/);
    const address = host.baseUrl.replace(/^\{\w+\}/, "https://example.com").replace(/\{\w+\}/g, "name");
    const url = new URL(address);
    expect(url.protocol).toBe(
      host.keyOptional === true && /localhost|127\./.test(url.hostname)
        ? "http:"
        : id === "privatemode-ai"
          ? "http:"
          : "https:",
    );
    expect(address).not.toMatch(/\/$|\/chat\/completions$/);
    expect(host.pathPrefix).toBe(url.pathname === "/" || id === "cloudflare-workers-ai" ? "" : url.pathname);
    if (host.docs !== undefined) expect(URL.canParse(host.docs)).toBe(true);
    if (host.variantOf !== undefined) expect(findHost(host.variantOf)?.variantOf).toBeUndefined();
  });

  test("every quirk belongs to a host", () => {
    expect(Object.keys(QUIRKS).filter((id) => !HOSTS.some((host) => host.id === id))).toEqual([]);
  });

  test.each(LITELLM.split(" "))("%s is known", (slug) => {
    expect(findHost(slug)).toBeDefined();
  });

  test("slugs are found in any spelling; unknown ones are not", () => {
    expect(findHost("TOGETHER-AI")?.id).toBe("togetherai");
    expect(findHost("lm_studio")?.id).toBe("lmstudio");
    expect(findHost("hosted_vllm")?.id).toBe("vllm");
    expect(findHost("openai")).toBeUndefined();
    expect(() => hostProvider("groqq")).toThrow('there is no host "groqq". Did you mean "groq"');
  });
});

describe("hosts with keys", () => {
  const idsOf = (env: Record<string, string | undefined>): string[] => hostsWithKeys(env).map(({ id }) => id);

  test("one variable, one host", () => {
    expect(idsOf({ GROQ_API_KEY: "gsk", DEEPSEEK_API_KEY: "sk", XAI_API_KEY: "  ", PATH: "/bin" })).toEqual([
      "deepseek",
      "groq",
    ]);
    expect(idsOf({})).toEqual([]);
  });

  test("of regions and plans with the same variable only the main one counts", () => {
    expect(idsOf({ MOONSHOT_API_KEY: "sk" })).toEqual(["moonshotai"]);
    expect(idsOf({ ZHIPU_API_KEY: "x" })).toEqual(["zai"]);
    expect(idsOf({ XIAOMI_API_KEY: "x" })).toEqual(["xiaomi"]);
  });

  test("an address that is made of variables needs them too", () => {
    expect(idsOf({ CLOUDFLARE_API_KEY: "x" })).toEqual([]);
    expect(idsOf({ CLOUDFLARE_API_KEY: "x", CLOUDFLARE_ACCOUNT_ID: "a" })).toEqual(["cloudflare-workers-ai"]);
  });

  test("servers of one's own count when their address is set", () => {
    expect(idsOf({ OLLAMA_API_KEY: "x" })).toEqual(["ollama-cloud"]);
    expect(idsOf({ OLLAMA_HOST: "127.0.0.1" })).toEqual(["ollama"]);
    expect(idsOf({ OPENAI_LIKE_API_BASE: "http://localhost:9" })).toEqual(["openai-like"]);
  });
});

test("takes process.env as it is", () => {
  expect(() => hostProvider("ollama", { env: process.env })).not.toThrow();
});
