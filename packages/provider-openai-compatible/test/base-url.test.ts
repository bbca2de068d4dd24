import { describe, expect, test } from "vitest";
import { completeBaseUrl, hostBaseUrl, ruleOf } from "../src/base-url.ts";
import { hostNamed } from "../src/hosts.ts";

const OLLAMA = ruleOf(hostNamed("ollama"));

test.each([
  ["http://localhost:11434", "http://localhost:11434/v1"],
  ["http://localhost:11434/", "http://localhost:11434/v1"],
  ["http://localhost:11434/v1", "http://localhost:11434/v1"],
  ["http://localhost:11434/v1/", "http://localhost:11434/v1"],
  ["http://proxy:80/ollama/v1//", "http://proxy/ollama/v1"],
  ["https://host.example/v1/chat/completions", "https://host.example/v1"],
  ["localhost:11434", "http://localhost:11434/v1"],
  ["127.0.0.1", "http://127.0.0.1:11434/v1"],
  ["0.0.0.0:8080", "http://127.0.0.1:8080/v1"],
  [" https://host.example ", "https://host.example/v1"],
  ["https://host.example/v1?api-version=1", "https://host.example/v1?api-version=1"],
])("%s becomes %s", (given, expected) => {
  expect(completeBaseUrl(given, OLLAMA, "here", "option_invalid")).toBe(expected);
});

test.each(["", "ftp://host", "http://", "http://a b"])("%j is refused", (given) => {
  expect(() => completeBaseUrl(given, OLLAMA, "here", "deployment_invalid")).toThrow("is not an http address");
});

test.each([
  ["groq", "https://api.groq.com", "https://api.groq.com/openai/v1"],
  ["deepseek", "https://api.deepseek.com", "https://api.deepseek.com"],
  ["docker_model_runner", "http://model-runner.docker.internal", "http://model-runner.docker.internal/engines/v1"],
  ["openai_like", "http://server:8000", "http://server:8000"],
])("%s puts its own prefix after an address without a path", (slug, given, expected) => {
  expect(completeBaseUrl(given, ruleOf(hostNamed(slug)), "here", "option_invalid")).toBe(expected);
});

describe("a host's address in an environment", () => {
  const of = (slug: string, env: Record<string, string>) => hostBaseUrl(hostNamed(slug), env);

  test("is the table's, a variable's, or made of variables", () => {
    expect(of("groq", {})).toBe("https://api.groq.com/openai/v1");
    expect(of("ollama", { OLLAMA_HOST: "0.0.0.0" })).toBe("http://127.0.0.1:11434/v1");
    expect(of("databricks", { DATABRICKS_HOST: "https://dbc.example/" })).toBe(
      "https://dbc.example/ai-gateway/mlflow/v1",
    );
    expect(of("databricks", { DATABRICKS_HOST: "dbc.example" })).toBe("https://dbc.example/ai-gateway/mlflow/v1");
    expect(of("neon", { NEON_AI_GATEWAY_BASE_URL: "https://neon.example" })).toBe(
      "https://neon.example/ai-gateway/mlflow/v1",
    );
  });

  test("or the variables that are missing", () => {
    expect(of("cloudflare", { CLOUDFLARE_ACCOUNT_ID: " " })).toEqual({ missing: ["CLOUDFLARE_ACCOUNT_ID"] });
  });
});
