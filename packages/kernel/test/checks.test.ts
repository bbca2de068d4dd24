import { describe, expect, it } from "vitest";
import type { Deployment, Dialect, ErrorCode, GatewayOptions, Plugin } from "@signalbox/kernel";
import { createGateway, ERROR_RULES, GatewayError, isGatewayError, toGatewayError } from "@signalbox/kernel";
import { sayText, scripted } from "./support/scripted-provider.ts";

const shop = scripted("shop", (attempt) => sayText(attempt, "hi"));
const vendors: Plugin = { name: "vendors", providers: [shop] };

function deployment(fields: Partial<Deployment>): Deployment {
  return { id: "1", model: "m", provider: "shop", upstreamModel: "m", ...fields };
}

function dialect(name: string, path: string): Dialect {
  return {
    name,
    routes: [
      {
        kind: "resource",
        method: "GET",
        path,
        access: "caller",
        handle: () => ({ status: 200, headers: {}, body: "" }),
      },
    ],
    encodeError: () => ({ status: 500, headers: {}, body: "" }),
  };
}

it("a plugin may carry members for the application", async () => {
  const plugin = { ...vendors, statistics: () => 7 };
  const gateway = await createGateway({ plugins: [plugin] });
  await gateway.close();
  expect(gateway.plugins).toEqual(["vendors"]);
});

const cases: readonly (readonly [string, GatewayOptions, ErrorCode, RegExp])[] = [
  ["two plugins of one name", { plugins: [vendors, vendors] }, "plugin_duplicate", /two plugins are named "vendors"/],
  [
    "a missing requirement",
    { plugins: [vendors, { name: "budgets", requires: ["legder"] }, { name: "ledger" }] },
    "plugin_requirement_missing",
    /"budgets" requires plugin "legder".*Did you mean "ledger"/,
  ],
  [
    "a misspelt member of a plugin",
    { plugins: [{ name: "p", guardrail: [] } as Plugin] },
    "option_invalid",
    /^plugin "p" has a member "guardrail", which has no effect\. Did you mean "guardrails"\?$/,
  ],
  [
    "an unknown moment",
    { plugins: [{ name: "p", on: { callFinished: () => {} } as never }] },
    "option_invalid",
    /^plugin "p" observes "callFinished", which does not exist; the moments are callStarted, .*attemptFailed\./,
  ],
  [
    "an unknown member of a deployment",
    { plugins: [vendors], deployments: [{ ...deployment({}), timeout: 30 } as Deployment] },
    "deployment_invalid",
    /^deployment "1" has an unknown member "timeout"\. Did you mean "timeoutMs"/,
  ],
  [
    "a deployment without an id",
    { plugins: [vendors], deployments: [{ model: "m", provider: "shop", upstreamModel: "m" } as Deployment] },
    "deployment_invalid",
    /^deployment "m" has no id; give it one$/,
  ],
  [
    "an unknown stage",
    { plugins: [{ name: "p", layers: { gaurd: [] } as never }] },
    "stage_unknown",
    /stage "gaurd".*edge, admit, guard, cache, attempt.*"guard"/,
  ],
  [
    "a guardrail that checks nothing",
    { plugins: [{ name: "p", guardrails: [{ name: "idle" }] }] },
    "guardrail_incomplete",
    /"idle" of plugin "p" checks nothing/,
  ],
  [
    "a window guardrail without checkWindow",
    {
      plugins: [
        { name: "p", guardrails: [{ name: "g", streaming: "window", checkResult: () => ({ action: "allow" }) }] },
      ],
    },
    "guardrail_incomplete",
    /has no checkWindow/,
  ],
  [
    "two routers",
    {
      plugins: [
        { name: "one", router: { route: () => [] } },
        { name: "two", router: { route: () => [] } },
      ],
    },
    "contract_duplicate",
    /plugins "one" and "two" both bring a router/,
  ],
  [
    "two providers of one name",
    { plugins: [vendors, { name: "more", providers: [shop] }] },
    "provider_duplicate",
    /provider "shop" of plugin "more"/,
  ],
  [
    "two dialects of one name",
    { plugins: [{ name: "p", dialects: [dialect("d", "/a"), dialect("d", "/b")] }] },
    "dialect_duplicate",
    /dialect "d"/,
  ],
  [
    "two dialects on one route",
    { plugins: [{ name: "p", dialects: [dialect("a", "/x/:id"), dialect("b", "/x/:name")] }] },
    "route_duplicate",
    /GET \/x\/:name is served by "a" and by "b"/,
  ],
  [
    "a deployment of an unknown provider",
    { plugins: [vendors], deployments: [deployment({ provider: "shpo" })] },
    "provider_unknown",
    /deployment "1" names the provider "shpo".*"shop"/,
  ],
  [
    "two deployments of one id",
    { plugins: [vendors], deployments: [deployment({}), deployment({ model: "n" })] },
    "deployment_duplicate",
    /deployment "1" is there twice/,
  ],
  [
    "a wildcard in the middle",
    { plugins: [vendors], deployments: [deployment({ model: "a*b", upstreamModel: "x" })] },
    "deployment_invalid",
    /a wildcard stands at the end only/,
  ],
  [
    "a wildcard upstream of one model",
    { plugins: [vendors], deployments: [deployment({ upstreamModel: "*" })] },
    "deployment_invalid",
    /serves one model/,
  ],
  [
    "a fallback to nothing",
    { plugins: [vendors], deployments: [deployment({ model: "main" })], fallbacks: { main: ["mian"] } },
    "fallback_unknown",
    /"mian", which no deployment serves; the nearest names are "main"/,
  ],
  [
    "a plugin that cannot be set up",
    {
      plugins: [
        {
          name: "p",
          setup() {
            throw new Error("port taken");
          },
        },
      ],
    },
    "plugin_setup_failed",
    /"p" could not be set up: port taken/,
  ],
  [
    "a misspelt option",
    { plugins: [], timeoutMS: 5 } as never,
    "option_invalid",
    /no option "timeoutMS"\. Did you mean "timeoutMs"/,
  ],
  [
    "a timeout that is none",
    { plugins: [], timeoutMs: Number.NaN },
    "option_invalid",
    /"timeoutMs" must be a positive/,
  ],
];

describe("a gateway does not start with", () => {
  it.each(cases)("%s", async (_name, options, code, message) => {
    const error = await createGateway(options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, status: 0 });
    expect((error as Error).message).toMatch(message);
  });

  it("a deployment that its provider refuses", async () => {
    const picky = {
      ...shop,
      validate() {
        throw new GatewayError("deployment_invalid", 'set "region"', { source: "shop" });
      },
    };
    await expect(
      createGateway({ plugins: [{ name: "p", providers: [picky] }], deployments: [deployment({})] }),
    ).rejects.toMatchObject({ code: "deployment_invalid", message: 'set "region"' });
  });
});

describe("errors", () => {
  it("know each other across copies of the package", () => {
    const foreign = Object.defineProperty(new Error("x"), Symbol.for("@signalbox/kernel.GatewayError"), {
      value: true,
    });
    expect(isGatewayError(foreign)).toBe(true);
    expect(isGatewayError(new Error("x"))).toBe(false);
    expect(isGatewayError(null)).toBe(false);
  });

  it("keep what they know when facts are added", () => {
    const error = new GatewayError("provider_rate_limited", "slow down", { source: "shop", retryAfterMs: 1_500 });
    const more = error.with({ details: { scope: "key" } });
    expect(more).toMatchObject({
      code: "provider_rate_limited",
      status: 429,
      type: "requests",
      retryable: true,
      source: "shop",
      retryAfterMs: 1_500,
      details: { scope: "key" },
    });
  });

  it("never show the text of a foreign error", () => {
    const error = toGatewayError(new Error("key sk-123 refused"));
    expect(error.message).not.toContain("sk-123");
    expect(error.cause).toBeInstanceOf(Error);
  });

  it("have a status that fits their code", () => {
    const pairs = Object.entries(ERROR_RULES).map(([code, { status }]) => [code, status]);
    expect(Object.fromEntries(pairs)).toMatchObject({
      invalid_request: 400,
      invalid_api_key: 401,
      model_not_allowed: 403,
      model_not_found: 404,
      request_too_large: 413,
      budget_exceeded: 429,
      provider_auth_failed: 502,
      provider_overloaded: 503,
      timeout: 504,
      internal_error: 500,
    });
  });
});
