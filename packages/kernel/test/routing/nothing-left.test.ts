import { afterEach, describe, expect, it } from "vitest";
import type { ErrorCode, Skip } from "@signalbox/kernel";
import type { Driven } from "../support/driven-gateway.ts";
import { chat, drivenGateway, fails, says } from "../support/driven-gateway.ts";

const open: Driven[] = [];
afterEach(async () => {
  for (const { gateway } of open.splice(0)) await gateway.close();
});

type SkipFacts = Pick<Skip, "code" | "retryAfterMs">;

/** A gateway whose router skips everything for these reasons. */
async function skipping(skips: readonly (readonly [string, SkipFacts?])[]): Promise<Driven> {
  const one = await drivenGateway({
    scripts: { a: says },
    route(_deployments, { trace }) {
      for (const [index, [reason, facts]] of skips.entries()) trace.skip(`d${index}`, reason, facts);
      return [];
    },
  });
  open.push(one);
  return one;
}

const cases: readonly (readonly [
  string,
  readonly (readonly [string, SkipFacts?])[],
  { readonly code: ErrorCode; readonly status: number; readonly retryAfterMs: number | undefined },
])[] = [
  [
    "all limited",
    [
      ["its rpm is used up", { code: "rate_limit_exceeded", retryAfterMs: 30_000 }],
      ["it is busy", { code: "concurrency_limit_exceeded", retryAfterMs: 1_000 }],
    ],
    { code: "rate_limit_exceeded", status: 429, retryAfterMs: 1_000 },
  ],
  [
    "limited by the provider",
    [["it said so", { code: "provider_rate_limited", retryAfterMs: 5_000 }]],
    { code: "provider_rate_limited", status: 429, retryAfterMs: 5_000 },
  ],
  [
    "without money",
    [["no budget", { code: "budget_exceeded" }]],
    { code: "budget_exceeded", status: 429, retryAfterMs: undefined },
  ],
  [
    "all out of order",
    [
      ["cooling down", { code: "no_healthy_deployment", retryAfterMs: 5_000 }],
      ["ejected", { code: "no_healthy_deployment", retryAfterMs: 3_000 }],
    ],
    { code: "no_healthy_deployment", status: 503, retryAfterMs: 3_000 },
  ],
  [
    "some limited, some out of order",
    [
      ["its rpm is used up", { code: "rate_limit_exceeded", retryAfterMs: 30_000 }],
      ["cooling down", { code: "no_healthy_deployment", retryAfterMs: 5_000 }],
    ],
    { code: "no_healthy_deployment", status: 503, retryAfterMs: 5_000 },
  ],
  [
    "one limited, the others unfit",
    [
      ["no vision", { code: "no_matching_deployment" }],
      ["its rpm is used up", { code: "rate_limit_exceeded", retryAfterMs: 30_000 }],
    ],
    { code: "rate_limit_exceeded", status: 429, retryAfterMs: 30_000 },
  ],
  [
    "a queue that is full",
    [["too many wait", { code: "overloaded" }]],
    { code: "no_healthy_deployment", status: 503, retryAfterMs: undefined },
  ],
  [
    "too long for all that fit",
    [
      ["no vision", { code: "no_matching_deployment" }],
      ["too long", { code: "context_length_exceeded" }],
    ],
    { code: "context_length_exceeded", status: 400, retryAfterMs: undefined },
  ],
  [
    "other tags",
    [["tag eu is missing", { code: "no_matching_deployment" }]],
    { code: "no_matching_deployment", status: 400, retryAfterMs: undefined },
  ],
  [
    "left out without a code",
    [["out of office hours"]],
    { code: "no_matching_deployment", status: 400, retryAfterMs: undefined },
  ],
  ["left out without a word", [], { code: "no_matching_deployment", status: 400, retryAfterMs: undefined }],
];

describe("when nothing can be tried, the error is that of the skips", () => {
  it.each(cases)("%s", async (_name, skips, expected) => {
    const { gateway } = await skipping(skips);
    const opened = chat(gateway);
    await expect(opened.reply.next()).rejects.toMatchObject(expected);
    expect(opened.call.trace.skipped ?? []).toEqual(
      skips.map(([reason, facts], index) => ({ deployment: `d${index}`, reason, ...facts })),
    );
  });

  it("with the reasons, each once, and not all of many", async () => {
    const { gateway } = await skipping(Array.from({ length: 20 }, (_, index) => [`reason ${index % 7}`]));
    await expect(chat(gateway).reply.next()).rejects.toMatchObject({
      message:
        'no deployment of model "m" can serve this request: reason 0; reason 1; reason 2; reason 3; reason 4 and 2 more reasons',
      param: "model",
    });
    const cooling = await skipping([["cooling down", { code: "no_healthy_deployment" }], ["no vision"]]);
    await expect(chat(cooling.gateway).reply.next()).rejects.toMatchObject({
      message: 'no deployment of model "m" can be used at the moment: cooling down',
    });
  });

  it("shows in an explanation, as it is", async () => {
    const { gateway } = await skipping([["cooling down", { code: "no_healthy_deployment", retryAfterMs: 5_000 }]]);
    const explained = await gateway.explain({ operation: "chat", request: { model: "m", messages: [] } });
    expect(explained).toMatchObject({
      attempts: [],
      skipped: [{ deployment: "d0", reason: "cooling down", code: "no_healthy_deployment", retryAfterMs: 5_000 }],
    });
  });
});

describe("the type of a limit", () => {
  it.each([
    [["tokens", "requests"], "tokens"],
    [[undefined, "tokens"], "requests"],
  ])("of %j is that of the first", async (types, type) => {
    const one = await drivenGateway({
      scripts: { a: fails("provider_error") },
      *route(deployments, { trace }) {
        for (const each of types) {
          trace.skip("a", "it is full", { code: "rate_limit_exceeded", ...(each !== undefined && { type: each }) });
        }
        yield* deployments.slice(1);
      },
    });
    open.push(one);
    await expect(chat(one.gateway).reply.next()).rejects.toMatchObject({ code: "rate_limit_exceeded", type });
  });
});

describe("when something was tried", () => {
  it("the first failure is the error; the wait is the shortest of all", async () => {
    const one = await drivenGateway({
      scripts: { a: fails("provider_rate_limited", { retryAfterMs: 20_000 }), b: fails("provider_error") },
      *route(deployments, { trace }) {
        trace.skip("c", "cooling down", { code: "no_healthy_deployment", retryAfterMs: 7_000 });
        yield* deployments;
      },
    });
    open.push(one);
    await expect(chat(one.gateway).reply.next()).rejects.toMatchObject({
      code: "provider_rate_limited",
      retryAfterMs: 7_000,
      details: { attempts: [{ code: "provider_rate_limited" }, { code: "provider_error" }] },
    });
  });

  it("what lies in the request gets no wait", async () => {
    const one = await drivenGateway({
      scripts: { a: fails("invalid_request") },
      *route(deployments, { trace }) {
        trace.skip("c", "cooling down", { code: "no_healthy_deployment", retryAfterMs: 7_000 });
        yield* deployments;
      },
    });
    open.push(one);
    await expect(chat(one.gateway).reply.next()).rejects.toMatchObject({
      code: "invalid_request",
      retryAfterMs: undefined,
    });
  });
});
