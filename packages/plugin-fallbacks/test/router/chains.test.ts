import { describe, expect, it } from "vitest";
import type { ErrorCode, ModelSelector, Plugin, Principal } from "@signalbox/kernel";
import { createGateway, GatewayError } from "@signalbox/kernel";
import type { FallbacksOptions } from "../../src/index.ts";
import { fallbacks } from "../../src/index.ts";
import type { Answer } from "./bench.ts";
import { bench, deploymentsOf } from "./bench.ts";

const KEY: Principal = { id: "key-1", kind: "key", admin: false, models: ["*"] };

const CHAINS: FallbacksOptions = {
  retries: 0,
  fallbacks: { a: ["b"] },
  contextWindowFallbacks: { a: ["c"] },
  contentPolicyFallbacks: { a: ["d"] },
  budgetFallbacks: { a: ["e"] },
  rateLimitFallbacks: { a: ["f"] },
};

/** A strategy that leaves out every deployment of model "a", for this reason. */
function leavingOut(...codes: readonly ErrorCode[]): Plugin {
  return {
    name: "strict",
    strategy: {
      name: "strict",
      *order(call, candidates) {
        for (const [index, deployment] of candidates.entries()) {
          const code = codes[index];
          if (deployment.model !== "a" || code === undefined) yield deployment;
          else call.trace.skip(deployment.id, "left out", { code });
        }
      },
    },
  };
}

describe("aliases", () => {
  const gateway = { aliases: { spare: "b" } };

  it("may stand in chains and in requests", async () => {
    const one = await bench(deploymentsOf("a1 b1"), { a1: 503 }, { retries: 0, fallbacks: { a: ["spare"] }, gateway });
    expect((await one.ask()).notes).toEqual(['fallback to "b" after provider_overloaded']);
    expect(one.tried()).toBe("a1 b1");
    const other = await bench(deploymentsOf("a1 b1"), { a1: 503 }, { retries: 0, gateway });
    expect((await other.ask({ fallbacks: ["spare"] })).error).toBeUndefined();
    expect(other.tried()).toBe("a1 b1");
  });

  it("are the caller's own where it has some", async () => {
    const one = await bench(deploymentsOf("a1 b1 c1"), { a1: 503 }, { retries: 0, gateway });
    const principal = { ...KEY, aliases: { spare: "c" } };
    expect((await one.ask({ principal, fallbacks: ["spare"] })).error).toBeUndefined();
    expect(one.tried()).toBe("a1 c1");
  });

  it("of the model itself lead nowhere", async () => {
    await expect(bench(deploymentsOf("a1 b1"), {}, { fallbacks: { b: ["spare"] }, gateway })).rejects.toMatchObject({
      code: "option_invalid",
      param: "fallbacks",
    });
  });
});

describe("the chain for the cause", () => {
  const deployments = deploymentsOf("a1 a2 b1 c1 d1 e1 f1");

  it.each<[Answer, string, ErrorCode]>([
    [503, "a1 a2 b1", "provider_overloaded"],
    [500, "a1 a2 b1", "provider_error"],
    [401, "a1 a2 b1", "provider_auth_failed"],
    [408, "a1 a2 b1", "timeout"],
    [429, "a1 a2 f1", "provider_rate_limited"],
    ["rate_limit_exceeded", "a1 a2 f1", "rate_limit_exceeded"],
    ["concurrency_limit_exceeded", "a1 a2 f1", "concurrency_limit_exceeded"],
    ["budget_exceeded", "a1 a2 e1", "budget_exceeded"],
    ["context_length_exceeded", "a1 c1", "context_length_exceeded"],
    ["content_policy_violation", "a1 d1", "content_policy_violation"],
  ])("after %s", async (answer, tried, code) => {
    const one = await bench(deployments, { a1: answer, a2: answer }, CHAINS);
    const { result, notes } = await one.ask();
    expect(one.tried()).toBe(tried);
    expect(result?.choices[0]?.content).toEqual([{ type: "text", text: "Hello" }]);
    expect(notes).toEqual([`fallback to "${tried.at(-2)}" after ${code}`]);
  });

  it.each<[Answer, ErrorCode]>([
    [400, "invalid_request"],
    [404, "model_not_found"],
    [413, "request_too_large"],
    ["unsupported_parameter", "unsupported_parameter"],
    ["internal_error", "internal_error"],
  ])("none after %s: it ends the call", async (answer, code) => {
    const one = await bench(deployments, { a1: answer }, { ...CHAINS, defaultFallbacks: ["b"] });
    const { error } = await one.ask();
    expect(error?.code).toBe(code);
    expect(one.tried()).toBe("a1");
  });

  it.each<[readonly ErrorCode[], string]>([
    [["context_length_exceeded", "context_length_exceeded"], 'c1|fallback to "c" after context_length_exceeded'],
    [["rate_limit_exceeded", "concurrency_limit_exceeded"], 'f1|fallback to "f" after rate_limit_exceeded'],
    [["budget_exceeded", "budget_exceeded"], 'e1|fallback to "e" after budget_exceeded'],
    [["rate_limit_exceeded", "no_healthy_deployment"], 'b1|fallback to "b" after no_healthy_deployment'],
    [["context_length_exceeded", "rate_limit_exceeded"], 'f1|fallback to "f" after rate_limit_exceeded'],
    [["no_matching_deployment", "no_matching_deployment"], 'b1|fallback to "b" after no_matching_deployment'],
  ])("where all deployments were left out: %j", async (codes, expected) => {
    const one = await bench(deployments, {}, { ...CHAINS, plugins: [leavingOut(...codes)] });
    const { notes, result } = await one.ask();
    expect(result).toBeDefined();
    expect(`${one.tried()}|${notes.join()}`).toBe(expected);
  });

  it("is the general one where there is none for the cause, else the default one", async () => {
    const answers = { a1: 429, c1: "context_length_exceeded", d1: 503 } as const;
    const one = await bench(deployments, answers, {
      retries: 0,
      fallbacks: { a: ["b"] },
      rateLimitFallbacks: { c: ["d"] },
      defaultFallbacks: ["e"],
    });
    await one.ask();
    expect(one.tried()).toBe("a1 a2");
    await one.ask({ model: "c" });
    expect(one.tried()).toBe("c1 e1");
    await one.ask({ model: "d" });
    expect(one.tried()).toBe("d1 e1");
  });

  it("changes with the cause on the way: what has not been tried yet is", async () => {
    const answers = { a1: 503, b1: "context_length_exceeded", d1: 503 } as const;
    const one = await bench(deploymentsOf("a1 b1 c1 d1"), answers, {
      retries: 0,
      fallbacks: { a: ["b", "c"] },
      contextWindowFallbacks: { a: ["d", "b"] },
    });
    const { notes } = await one.ask();
    expect(one.tried()).toBe("a1 b1 d1 c1");
    expect(notes).toEqual([
      'fallback to "b" after provider_overloaded',
      'fallback to "d" after context_length_exceeded',
      'fallback to "c" after provider_overloaded',
    ]);
  });

  it("takes the gateway's own chains as general ones", async () => {
    const gateway = { fallbacks: { a: ["b"] } };
    const one = await bench(deploymentsOf("a1 b1 c1"), { a1: 503, b1: 503 }, { retries: 0, gateway });
    await one.ask();
    expect(one.tried()).toBe("a1 b1");
    const both = await bench(deploymentsOf("a1 b1 c1"), { b1: 503 }, { retries: 0, gateway, fallbacks: { b: ["c"] } });
    await both.ask({ model: "b" });
    expect(both.tried()).toBe("b1 c1");
  });

  it("serves names that only a selector or an alias bears", async () => {
    const auto: ModelSelector = { model: "auto", targets: ["a"], select: () => "a" };
    const one = await bench(
      deploymentsOf("a1 b1 c1"),
      { a1: 503 },
      {
        retries: 0,
        fallbacks: { auto: ["b"], fast: ["c"] },
        gateway: { aliases: { fast: "a" } },
        plugins: [{ name: "selectors", selectors: [auto] }],
      },
    );
    await one.ask({ model: "auto" });
    expect(one.tried()).toBe("a1 b1");
    await one.ask({ model: "fast" });
    expect(one.tried()).toBe("a1 c1");
    expect((await one.ask()).error?.code).toBe("provider_overloaded");
  });
});

describe("the caller's own wishes", () => {
  const deployments = deploymentsOf("a1 b1 c1 d1");
  const options: FallbacksOptions = {
    retries: 0,
    fallbacks: { a: ["b"] },
    contentPolicyFallbacks: { a: ["b"] },
    rateLimitFallbacks: { a: ["b"] },
    defaultFallbacks: ["b"],
  };

  it.each<Answer>([503, 429, "content_policy_violation"])(
    "a request's list stands in for all chains: %s",
    async (answer) => {
      const one = await bench(deployments, { a1: answer, c1: answer }, options);
      await one.ask({ fallbacks: ["c", "d"] });
      expect(one.tried()).toBe("a1 c1 d1");
    },
  );

  it("an empty list of a request means none", async () => {
    const one = await bench(deployments, { a1: 503 }, options);
    expect((await one.ask({ fallbacks: [] })).error?.code).toBe("provider_overloaded");
    expect(one.tried()).toBe("a1");
  });

  it("a list that is too long is refused", async () => {
    const one = await bench(deployments, {}, options);
    const names = Array.from({ length: 101 }, (_, index) => `m${index}`);
    expect((await one.ask({ fallbacks: names })).error).toMatchObject({ code: "invalid_request", param: "fallbacks" });
    expect((await one.ask({ fallbacks: names.slice(1) })).error).toBeUndefined();
    expect(one.tried()).toBe("a1");
  });

  it("says in the trace which models it leaves out, and why", async () => {
    const one = await bench(deployments, { a1: 503 }, options);
    const principal = { ...KEY, models: ["a", "d"] };
    const { trace, result } = await one.ask({ principal, fallbacks: ["nowhere", "c", "__proto__", "d"] });
    expect(result).toBeDefined();
    expect(one.tried()).toBe("a1 d1");
    expect(trace.skipped).toEqual([
      { deployment: "nowhere", reason: "the caller may not use this model" },
      { deployment: "c", reason: "the caller may not use this model" },
      { deployment: "__proto__", reason: "the caller may not use this model" },
    ]);
    const { trace: other } = await one.ask({ principal: KEY, fallbacks: ["nowhere", "d"] });
    expect(other.skipped).toContainEqual({ deployment: "nowhere", reason: "no model has this name" });
  });

  it("can be disabled by request and by key, whatever else is there", async () => {
    const one = await bench(deployments, { a1: 503 }, options);
    await one.ask({ disableFallbacks: true, fallbacks: ["c"] });
    expect(one.tried()).toBe("a1");
    await one.ask({ principal: { ...KEY, routing: { disableFallbacks: true } }, disableFallbacks: false });
    expect(one.tried()).toBe("a1");
    await one.ask({ disableFallbacks: false });
    expect(one.tried()).toBe("a1 b1");
  });

  it("a key's chains go before the gateway's, each where it is there", async () => {
    const answers = { a1: [503, 429, "content_policy_violation", 503] } as const;
    const one = await bench(deployments, answers, { ...options, maxFallbacks: 1 });
    const principal: Principal = {
      ...KEY,
      routing: { fallbacks: { a: ["c"] }, rateLimitFallbacks: { a: ["d"] }, defaultFallbacks: ["d"] },
    };
    await one.ask({ principal });
    expect(one.tried()).toBe("a1 c1");
    await one.ask({ principal });
    expect(one.tried()).toBe("a1 d1");
    await one.ask({ principal });
    expect(one.tried()).toBe("a1 b1");
    await one.ask({ principal: { ...KEY, routing: { fallbacks: { a: [] } } } });
    expect(one.tried()).toBe("a1");
  });

  it("a key's default chain goes before the gateway's", async () => {
    const one = await bench(deployments, { a1: 503 }, { retries: 0, defaultFallbacks: ["b"] });
    await one.ask({ principal: { ...KEY, routing: { defaultFallbacks: ["d"] } } });
    expect(one.tried()).toBe("a1 d1");
  });
});

describe("no loops", () => {
  it("models that name each other are each tried once", async () => {
    const one = await bench(
      deploymentsOf("a1 b1 c1 d1"),
      { a1: 503, b1: 503, c1: 503, d1: 503 },
      {
        retries: 0,
        fallbacks: { a: ["b", "c", "d"], b: ["c", "a", "d"] },
      },
    );
    const { error } = await one.ask();
    expect(one.tried()).toBe("a1 b1 c1 d1");
    expect(error?.code).toBe("provider_overloaded");
    await one.ask({ model: "b" });
    expect(one.tried()).toBe("b1 c1 a1 d1");
  });

  it("the chain of a fallback is not followed", async () => {
    const one = await bench(
      deploymentsOf("a1 b1 c1"),
      { a1: 503, b1: 503 },
      {
        retries: 0,
        fallbacks: { a: ["b"], b: ["c"] },
      },
    );
    expect((await one.ask()).error?.code).toBe("provider_overloaded");
    expect(one.tried()).toBe("a1 b1");
  });

  it("a deployment with two names is tried once", async () => {
    const many = { id: "w", model: "v/*", provider: "wire", upstreamModel: "*" };
    const only = { id: "x", model: "v/two", provider: "wire", upstreamModel: "two" };
    const one = await bench([...deploymentsOf("a1"), many, only], { a1: 503, w: 503, x: 503 }, { retries: 0 });
    await one.ask({ model: "v/one", fallbacks: ["v/one", "v/two", "v/three", "v/two"] });
    expect(one.tried()).toBe("w x w");
  });

  it.each([
    [0, "a1"],
    [1, "a1 b1"],
    [2, "a1 b1 d1"],
    [undefined, "a1 b1 d1 e1 f1 g1"],
  ])("at most %s other models", async (maxFallbacks, tried) => {
    const deployments = deploymentsOf("a1 b1 d1 e1 f1 g1 h1");
    const broken = Object.fromEntries(deployments.map(({ id }) => [id, 503]));
    const options = { retries: 0, defaultFallbacks: ["b", "a", "d", "e", "f", "g", "h"] };
    const one = await bench(deployments, broken, { ...options, ...(maxFallbacks !== undefined && { maxFallbacks }) });
    // who is left out does not count
    const { notes } = await one.ask({ fallbacks: ["b", "a", "nowhere", "d", "e", "f", "g", "h"] });
    expect(one.tried()).toBe(tried);
    expect(notes.at(-1)).toContain(`${maxFallbacks ?? 5} models were tried instead`);
  });
});

describe("the last word", () => {
  it("is the first error, with all attempts and the shortest wait", async () => {
    const overloaded = { status: 503, headers: { "retry-after": "7" }, body: {} };
    const one = await bench(
      deploymentsOf("a1 a2 b1"),
      { a1: overloaded, a2: 401, b1: 500 },
      {
        retries: 0,
        fallbacks: { a: ["b"] },
      },
    );
    const { error } = await one.ask();
    expect(one.tried()).toBe("a1 a2 b1");
    expect(error).toMatchObject({ code: "provider_overloaded", status: 503, retryAfterMs: 7_000 });
    expect(error?.details?.["attempts"]).toEqual([
      { provider: "wire", status: 503, code: "provider_overloaded" },
      { provider: "wire", status: 502, code: "provider_auth_failed" },
      { provider: "wire", status: 502, code: "provider_error" },
    ]);
  });

  it("is 429 when only limits stand against every deployment of the chain", async () => {
    const plugins = [leavingOut("rate_limit_exceeded", "rate_limit_exceeded")];
    const one = await bench(deploymentsOf("a1 a2 b1"), {}, { retries: 0, plugins });
    const { error } = await one.ask();
    expect(error).toMatchObject({ code: "rate_limit_exceeded", status: 429 });
    expect(one.tried()).toBe("");
  });

  it("names a model that does not exist, and the nearest", async () => {
    const one = await bench(deploymentsOf("a1"), {}, { defaultFallbacks: ["a"] });
    const { error } = await one.ask({ model: "b" });
    expect(error?.code).toBe("model_not_found");
  });
});

describe("at start", () => {
  async function startError(options: FallbacksOptions, general?: Record<string, string[]>): Promise<GatewayError> {
    try {
      const one = await bench(
        [...deploymentsOf("a1 b1"), { id: "w", model: "openai/*", provider: "wire", upstreamModel: "*" }],
        {},
        { ...options, gateway: general === undefined ? {} : { fallbacks: general } },
      );
      await one.gateway.close();
    } catch (thrown) {
      return thrown as GatewayError;
    }
    return new GatewayError("internal_error", "it started");
  }

  it.each<[keyof FallbacksOptions, FallbacksOptions]>([
    ["fallbacks", { fallbacks: { a: ["b", "opnai/gpt-5"] } }],
    ["fallbacks", { fallbacks: { opena: ["b"] } }],
    ["contextWindowFallbacks", { contextWindowFallbacks: { a: ["opnai/gpt-5"] } }],
    ["contentPolicyFallbacks", { contentPolicyFallbacks: { a: ["opnai/gpt-5"] } }],
    ["budgetFallbacks", { budgetFallbacks: { a: ["opnai/gpt-5"] } }],
    ["rateLimitFallbacks", { rateLimitFallbacks: { a: ["opnai/gpt-5"] } }],
    ["defaultFallbacks", { defaultFallbacks: ["opnai/gpt-5"] }],
    ["modelRetryPolicies", { modelRetryPolicies: { "opnai/gpt-5": { timeout: 1 } } }],
  ])("a model in %s that does not exist: %j", async (option, options) => {
    const error = await startError(options);
    expect(error).toMatchObject({ code: "fallback_unknown", param: option, source: "fallbacks" });
    expect(error.message).toContain('Did you mean "openai/*"?');
  });

  it("names that a wildcard covers are there", async () => {
    expect((await startError({ fallbacks: { "openai/gpt-5": ["openai/gpt-4o", "a"] } })).message).toBe("it started");
  });

  it("a model in its own chain", async () => {
    expect(await startError({ rateLimitFallbacks: { a: ["b", "a"] } })).toMatchObject({
      code: "option_invalid",
      message: 'fallbacks: "rateLimitFallbacks" of "a" names the model itself; leave it out',
    });
    expect(await startError({}, { a: ["a"] })).toMatchObject({ code: "option_invalid" });
  });

  it("two general chains for one model", async () => {
    const error = await startError({ fallbacks: { a: ["b"] } }, { a: ["b"] });
    expect(error).toMatchObject({ code: "option_invalid", param: "fallbacks" });
    expect(error.message).toContain('the model "a" has fallbacks in the options of the gateway and in those of');
  });

  it("no change of deployments leaves a chain without its model", async () => {
    const one = await bench(deploymentsOf("a1 b1 c1"), {}, { fallbacks: { a: ["b"] } });
    expect(() => one.gateway.changeDeployments({ remove: ["b1"] })).toThrow(
      expect.objectContaining({ code: "fallback_unknown" }) as Error,
    );
    one.gateway.changeDeployments({ remove: ["c1"] });
    expect(one.gateway.models.names()).toEqual(["a", "b"]);
  });

  it("works without deployments that were named", async () => {
    const gateway = await createGateway({ plugins: [fallbacks()] });
    expect(gateway.plugins).toEqual(["fallbacks"]);
    await gateway.close();
  });
});
