import { describe, expect, test } from "vitest";
import type { ResilienceSettings } from "@signalbox/plugin-config";
import { load, report } from "./support/vendors.ts";

const MODELS = `model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-5}}
  - {model_name: b, litellm_params: {model: ollama/qwen3}}
`;

const resilience = (text: string): ResilienceSettings => load(`${MODELS}${text}\n`).resilience;
/** Lines are counted from the first one after the models. */
const problems = (text: string): string =>
  report(`${MODELS}${text}\n`)
    .map((line) => line.replace(/^(\d+):\d+ /, (_, at) => `${Number(at) - 3} `))
    .join("|");

test("without any key nothing is said", () => {
  expect(load(MODELS).resilience).toEqual({});
});

describe("retries", () => {
  test.each([
    ["router_settings: {num_retries: 0, retry_after: 0}", { retries: 0, retryAfterMs: 0 }],
    ["router_settings: {num_retries: 4, retry_after: 0.25}", { retries: 4, retryAfterMs: 250 }],
    ["litellm_settings: {num_retries: 3}", { retries: 3 }],
    ["router_settings: {retry_policy: {num_retries: 2, retry_after: 5}}", { retries: 2, retryAfterMs: 5_000 }],
    ["router_settings: {num_retries: 3}\nlitellm_settings: {num_retries: 3}", { retries: 3 }],
    [
      "router_settings: {retry_policy: {BadRequestErrorRetries: 0, AuthenticationErrorRetries: 1, TimeoutErrorRetries: 2, RateLimitErrorRetries: 3, ContentPolicyViolationErrorRetries: 4, InternalServerErrorRetries: 5}}",
      {
        retryPolicy: {
          badRequest: 0,
          authentication: 1,
          timeout: 2,
          rateLimit: 3,
          contentPolicy: 4,
          internalServer: 5,
        },
      },
    ],
    [
      "router_settings: {retry_policy: {num_retries: 1, RateLimitErrorRetries: 3}}",
      { retries: 1, retryPolicy: { rateLimit: 3 } },
    ],
    [
      "router_settings: {model_group_retry_policy: {a: {TimeoutErrorRetries: 4}, b: {RateLimitErrorRetries: 0}}}",
      { modelRetryPolicies: { a: { timeout: 4 }, b: { rateLimit: 0 } } },
    ],
    [
      "router_settings: {retry_budget: {ratio: 0.5, min_per_second: 0}}",
      { retryBudget: { ratio: 0.5, minPerSecond: 0 } },
    ],
    ["router_settings: {max_fallbacks: 0}", { maxFallbacks: 0 }],
  ])("%j", (text, expected) => {
    expect(resilience(text)).toEqual(expected);
  });

  test.each([
    ["router_settings: {num_retries: -1}", "1 router_settings.num_retries: must be 0 or more"],
    ["router_settings: {num_retries: 101}", "1 router_settings.num_retries: must be at most 100"],
    ['router_settings: {num_retries: "2"}', '1 router_settings.num_retries: must be a whole number, not the text "2"'],
    ["router_settings: {retry_after: -1}", "1 router_settings.retry_after: must be a number of seconds, 0 or more"],
    [
      "router_settings: {num_retries: 1, retry_policy: {num_retries: 2}}\nlitellm_settings: {num_retries: 3}",
      "1 router_settings.retry_policy.num_retries: says 2, and router_settings.num_retries says 1; keep one of the two|2 litellm_settings.num_retries: says 3, and router_settings.num_retries says 1; keep one of the two",
    ],
    [
      "router_settings: {retry_policy: {RateLimitRetries: 2}}",
      '1 router_settings.retry_policy.RateLimitRetries: unknown key. Did you mean "RateLimitErrorRetries"?',
    ],
    [
      "router_settings: {model_group_retry_policy: {c: {TimeoutErrorRetries: 1}}}",
      '1 router_settings.model_group_retry_policy.c: no model is named "c". Did you mean "a" or "b"?',
    ],
    [
      "router_settings: {model_group_retry_policy: {a: {num_retries: 1}}}",
      "1 router_settings.model_group_retry_policy.a.num_retries: unknown key",
    ],
    [
      "router_settings: {retry_budget: {ratio: 2}}",
      "1 router_settings.retry_budget.ratio: must be a number from 0 to 1",
    ],
    ["router_settings: {retry_budget: 0.2}", "1 router_settings.retry_budget: must be a map of keys, not 0.2"],
  ])("%j is refused", (text, expected) => {
    expect(problems(text)).toContain(expected);
  });
});

describe("cooldown", () => {
  test.each([
    ["{disable_cooldowns: true}", { disabled: true }],
    ["{cooldown_time: 0.5, allowed_fails: 0}", { ms: 500, allowedFails: 0 }],
    ["{allowed_fails: 3, disable_cooldowns: false}", { allowedFails: 3, disabled: false }],
    [
      "{allowed_fails_policy: {RateLimitErrorAllowedFails: 100, InternalServerErrorAllowedFails: 0}}",
      { allowedFailsPolicy: { rateLimit: 100, internalServer: 0 } },
    ],
  ])("%s", (text, cooldown) => {
    expect(resilience(`router_settings: ${text}`)).toEqual({ cooldown });
  });

  test.each([
    ["{cooldown_time: 0}", "1 router_settings.cooldown_time: must be a number of seconds greater than 0"],
    ["{allowed_fails: 1.5}", "1 router_settings.allowed_fails: must be a whole number, not 1.5"],
    [
      "{allowed_fails_policy: {RateLimitErrorAllowedFail: 1}}",
      '1 router_settings.allowed_fails_policy.RateLimitErrorAllowedFail: unknown key. Did you mean "RateLimitErrorAllowedFails"',
    ],
    [
      "{disable_cooldowns: true, cooldown_time: 5}",
      "1 router_settings.cooldown_time: has no effect with disable_cooldowns: true; remove one of the two",
    ],
  ])("%s is refused", (text, expected) => {
    expect(problems(`router_settings: ${text}`)).toContain(expected);
  });
});

describe("health checks, hedging, continued streams", () => {
  test.each([
    ["general_settings: {background_health_checks: true}", { probes: {} }],
    ["general_settings: {background_health_checks: false, health_check_interval: 60}", {}],
    [
      "general_settings: {background_health_checks: true, health_check_interval: 60, health_check_concurrency: 3}",
      { probes: { intervalMs: 60_000, concurrency: 3 } },
    ],
    ["router_settings: {hedging: true}", { hedge: {} }],
    ["router_settings: {hedging: false}", {}],
    [
      "router_settings: {hedging: {percentile: 0.9, min_delay: 0.5, max_delay: 5, max_share: 0.2, models: [a]}}",
      { hedge: { percentile: 0.9, minMs: 500, maxMs: 5_000, maxShare: 0.2, models: ["a"] } },
    ],
    ["router_settings: {continue_streams: true}", { continueStreams: true }],
  ])("%s", (text, expected) => {
    expect(resilience(text)).toEqual(expected);
  });

  test.each([
    [
      "general_settings: {health_check_interval: 60}",
      "1 general_settings.health_check_interval: has no effect alone; add background_health_checks: true",
    ],
    [
      "general_settings: {background_health_checks: true, health_check_interval: 0.5}",
      "1 general_settings.health_check_interval: must be at least 1 second",
    ],
    [
      "general_settings: {background_health_checks: true, health_check_concurrency: 1001}",
      "1 general_settings.health_check_concurrency: must be at most 1000",
    ],
    [
      "router_settings: {hedging: {percentile: 95}}",
      "1 router_settings.hedging.percentile: must be a number from 0.5 to 0.999",
    ],
    [
      "router_settings: {hedging: {min_delay: 5, max_delay: 1}}",
      "1 router_settings.hedging.min_delay: is longer than the max_delay of 1",
    ],
    [
      "router_settings: {hedging: {models: [c]}}",
      '1 router_settings.hedging.models[0]: no model is named "c". Did you mean "a" or "b"?',
    ],
    [
      "router_settings: {hedging: {percentil: 0.9}}",
      '1 router_settings.hedging.percentil: unknown key. Did you mean "percentile"?',
    ],
  ])("%s is refused", (text, expected) => {
    expect(problems(text)).toBe(expected);
  });
});

describe("chains", () => {
  test.each(["context_window", "content_policy", "budget", "rate_limit"])("%s_fallbacks", (kind) => {
    const name = `${kind.replace(/_(.)/, (_, letter: string) => letter.toUpperCase())}Fallbacks`;
    expect(resilience(`router_settings: {${kind}_fallbacks: [{a: [b]}, {b: [a]}]}`)).toEqual({
      [name]: { a: ["b"], b: ["a"] },
    });
    expect(problems(`router_settings: {${kind}_fallbacks: [{a: [c]}]}`)).toBe(
      `1 router_settings.${kind}_fallbacks[0].a[0]: no model is named "c". Did you mean "a" or "b"?`,
    );
  });

  test("of litellm_settings count too, but not for a model that router_settings has", () => {
    expect(
      resilience(
        "router_settings: {content_policy_fallbacks: [{a: [b]}]}\nlitellm_settings: {context_window_fallbacks: [{a: [b]}], content_policy_fallbacks: [{b: [a]}], default_fallbacks: [b]}",
      ),
    ).toEqual({
      contextWindowFallbacks: { a: ["b"] },
      contentPolicyFallbacks: { a: ["b"], b: ["a"] },
      defaultFallbacks: ["b"],
    });
    expect(
      problems(
        "router_settings: {context_window_fallbacks: [{a: [b]}], fallbacks: [{a: [b]}], default_fallbacks: [b]}\nlitellm_settings: {context_window_fallbacks: [{a: [b]}], fallbacks: [{a: [b]}], default_fallbacks: [a]}",
      ).split("|"),
    ).toEqual([
      "2 litellm_settings.context_window_fallbacks[0].a: is given in router_settings.context_window_fallbacks too; keep one of the two",
      "2 litellm_settings.fallbacks[0].a: is given in router_settings.fallbacks too; keep one of the two",
      "2 litellm_settings.default_fallbacks: is given in router_settings too; keep one of the two",
    ]);
  });

  test("may begin at an alias, a split or a content router, and lead to an alias alone", () => {
    const more = `
  model_group_alias: {nick: a}
  traffic_splits: {mixed: {arms: [{model: a, percent: 100}]}}
  content_routers: {auto: {default_model: a}}`;
    const text = `router_settings:\n  fallbacks: [{nick: [b], mixed: [b], auto: [b]}]${more}\n`;
    expect(load(`${MODELS}${text}`).fallbacks).toEqual({ nick: ["b"], mixed: ["b"], auto: ["b"] });
    expect(problems(`router_settings:\n  default_fallbacks: [nick, mixed, auto, a]${more}`).split("|")).toEqual(
      ["mixed", "auto"].map(
        (name, at) =>
          `2 router_settings.default_fallbacks[${at + 1}]: names "${name}", which stands for other models; name one of those`,
      ),
    );
  });

  test("default_fallbacks are models", () => {
    expect(resilience("router_settings: {default_fallbacks: [b, a]}")).toEqual({ defaultFallbacks: ["b", "a"] });
    expect(problems("router_settings: {default_fallbacks: [c]}")).toBe(
      '1 router_settings.default_fallbacks[0]: no model is named "c". Did you mean "a" or "b"?',
    );
    expect(problems("router_settings: {default_fallbacks: b}")).toBe(
      '1 router_settings.default_fallbacks: must be a list of model names, as in ["a", "b"], not the text "b"',
    );
  });
});
