import { describe, expect, it } from "vitest";
import type {
  Attempt,
  AttemptLayer,
  Cost,
  Deployment,
  LayerPlacement,
  NativeRequest,
  Plugin,
  Pricing,
  Reply,
  Usage,
} from "@signalbox/kernel";
import { createGateway, replyOf, textOf } from "@signalbox/kernel";
import { parseJsonBody } from "@signalbox/kernel/http";
import { testAttempt } from "@signalbox/kernel/testkit";
import { promptCaching } from "../src/index.ts";

const USAGE: Usage = { inputTokens: 100, outputTokens: 1 };

interface Seen {
  readonly attempts: Attempt<"chat">[];
  readonly notes: string[];
  readonly headers: string[];
}

interface Scene {
  readonly usage?: Usage;
  readonly cost?: Cost;
  readonly info?: NonNullable<Deployment["info"]>;
  readonly extraBody?: NonNullable<Deployment["extraBody"]>;
  readonly plugin?: Plugin;
  readonly native?: Partial<Pick<NativeRequest, "edits" | "breakpointEdits">>;
}

async function ask({ usage = USAGE, cost, info, extraBody, plugin = promptCaching(), native }: Scene): Promise<Seen> {
  const seen: Seen = { attempts: [], notes: [], headers: [] };
  const prices: Pricing = { bound: () => 0n, cost: () => cost, perToken: () => undefined };
  const vendor: Plugin = {
    name: "vendors",
    ...(cost !== undefined && { pricing: prices }),
    providers: [
      {
        name: "vendor",
        operations: {
          chat: (attempt) => {
            seen.attempts.push(attempt);
            return replyOf<"chat">(() => ({
              id: "r",
              createdAt: 1,
              model: "v",
              choices: [{ index: 0, content: [{ type: "text", text: "Hi" }], finishReason: "stop" }],
              usage,
            }));
          },
        },
      },
    ],
    on: {
      callSucceeded({ trace }) {
        seen.notes.push(...(trace.notes ?? []).map(({ stage, text }) => `${stage}: ${text}`));
        seen.headers.push(...(trace.headers ?? []));
      },
    },
  };
  const gateway = await createGateway({
    plugins: [vendor, plugin],
    deployments: [
      {
        id: "d",
        model: "m",
        provider: "vendor",
        upstreamModel: "v",
        ...(info !== undefined && { info }),
        ...(extraBody !== undefined && { extraBody }),
      },
    ],
  });
  const request = {
    model: "m",
    messages: [
      { role: "system" as const, content: [{ type: "text" as const, text: "S" }] },
      { role: "user" as const, content: [{ type: "text" as const, text: "Q" }] },
    ],
  };
  const body = parseJsonBody(Buffer.from("{}"));
  const open = gateway.open<"chat">({
    operation: "chat",
    request,
    ...(native !== undefined && { native: { dialect: "x", request, body, edits: {}, headers: [], ...native } }),
  });
  for await (const _event of open.reply) {
    // only the end matters
  }
  await gateway.close();
  return seen;
}

const TAKES = { promptCacheBreakpoints: 4 };

describe("what a call costs and saves", () => {
  const cost = (cacheSavings?: bigint): Cost => ({
    provider: 1n,
    billed: 1n,
    lines: [],
    priceVersion: "v",
    ...(cacheSavings !== undefined && { cacheSavings }),
  });

  it.each<[string, Usage, Cost | undefined, readonly string[], readonly string[]]>([
    ["nothing without a cache", USAGE, cost(), [], []],
    [
      "what reading saves",
      { ...USAGE, cacheReadTokens: 90 },
      cost(1_500n),
      ["x-signalbox-prompt-cache-read-tokens", "90", "x-signalbox-prompt-cache-saved", "0.0000015"],
      ["prompt-cache: 90 tokens read, 0 written; 0.0000015 US dollars saved"],
    ],
    [
      "what writing costs",
      { ...USAGE, cacheWriteTokens: 50, cacheWrite1hTokens: 20 },
      cost(-2_000n),
      ["x-signalbox-prompt-cache-read-tokens", "0", "x-signalbox-prompt-cache-saved", "-0.000002"],
      ["prompt-cache: 0 tokens read, 70 written; -0.000002 US dollars saved"],
    ],
    [
      "tokens where no price is known",
      { ...USAGE, cacheReadTokens: 90 },
      undefined,
      ["x-signalbox-prompt-cache-read-tokens", "90"],
      ["prompt-cache: 90 tokens read, 0 written"],
    ],
  ])("%s", async (_name, usage, price, headers, notes) => {
    const seen = await ask({ usage, ...(price !== undefined && { cost: price }) });
    expect(seen.headers).toEqual(headers);
    expect(seen.notes).toEqual(notes);
  });
});

describe("what is sent", () => {
  it("has breakpoints where the model takes them", async () => {
    const { attempts, notes } = await ask({ info: TAKES, plugin: promptCaching({ ttl: "1h" }) });
    const [system, user] = attempts[0]?.request.messages ?? [];
    expect(system?.content).toEqual([{ type: "text", text: "S", cacheControl: { ttl: "1h" } }]);
    expect(user?.content).toEqual([{ type: "text", text: "Q" }]);
    expect(notes).toEqual(["prompt-cache: breakpoints behind messages[0]"]);
  });

  it("has none where it does not, and says so where somebody wanted them", async () => {
    const automatic = await ask({});
    expect(automatic.attempts[0]?.request.messages[0]?.content[0]).not.toHaveProperty("cacheControl");
    expect(automatic.notes).toEqual([]);
    const wanted = await ask({ info: { cacheControlInjectionPoints: [{ location: "message", index: -1 }] } });
    expect(wanted.notes).toEqual(['prompt-cache: "d" is not known to take breakpoints']);
  });

  it("follows the deployment's own points", async () => {
    const info = { ...TAKES, cacheControlInjectionPoints: [{ location: "message", role: "user", index: 0 }] };
    const { attempts } = await ask({ info, plugin: promptCaching({ points: [] }) });
    const marked = attempts[0]?.request.messages.flatMap(({ content }) =>
      content.some(({ cacheControl }) => cacheControl !== undefined) ? [textOf(content)] : [],
    );
    expect(marked).toEqual(["Q"]);
    const off = await ask({ info: { ...TAKES, cacheControlInjectionPoints: [] } });
    expect(off.notes).toEqual([]);
  });

  it("counts what the deployment adds to every body", async () => {
    const info = { promptCacheBreakpoints: 1 };
    const { attempts, notes } = await ask({ info, extraBody: { cache_control: { type: "ephemeral" } } });
    expect(attempts[0]?.request.messages[0]?.content[0]).not.toHaveProperty("cacheControl");
    expect(notes).toEqual(["prompt-cache: no breakpoint behind system: a request has at most 1"]);
  });
});

describe("the native lane", () => {
  it("is kept, with the edits of the client's dialect beside those that are there", async () => {
    const edits = { model: '"v"' };
    const native = { edits, breakpointEdits: (added: readonly unknown[]) => ({ system: JSON.stringify(added) }) };
    const { attempts } = await ask({ info: TAKES, native });
    expect(attempts[0]?.native?.request).toBe(attempts[0]?.request);
    expect(attempts[0]?.native?.edits).toEqual({ model: '"v"', system: '[{"message":0,"part":0,"control":{}}]' });
  });

  it.each<[string, NonNullable<Scene["native"]>]>([
    ["its dialect has no breakpoints", {}],
    ["the body has no such place", { breakpointEdits: () => undefined }],
    ["somebody else has edited the member", { edits: { system: "1" }, breakpointEdits: () => ({ system: "2" }) }],
  ])("is left where %s", async (_name, native) => {
    const { attempts } = await ask({ info: TAKES, native });
    expect(attempts[0]?.request.messages[0]?.content[0]?.cacheControl).toEqual({});
    expect(attempts[0]?.native?.request).not.toBe(attempts[0]?.request);
  });
});

describe("the reply", () => {
  const { attempt: placement } = promptCaching().layers as { attempt: LayerPlacement<AttemptLayer> };
  const { layer } = placement;
  const attempt = testAttempt({ operation: "chat", request: { model: "m", messages: [] } });
  const event = { type: "choiceEnd", choice: 0, finishReason: "stop" } as never;

  it("is closed below when its reader leaves", async () => {
    let closed = 0;
    const below = async function* (): Reply<"chat"> {
      try {
        for (;;) yield event;
      } finally {
        closed++;
      }
    };
    for await (const seen of layer(attempt, below)) {
      expect(seen).toBe(event);
      break;
    }
    expect(closed).toBe(1);
    const disposed = layer(attempt, below);
    await disposed.next();
    await disposed[Symbol.asyncDispose]();
    expect(closed).toBe(2);
  });

  it("fails as it fails below, and is over afterwards", async () => {
    // biome-ignore lint/correctness/useYield: fails before its first event
    const reply = layer(attempt, async function* (): Reply<"chat"> {
      throw new Error("broken");
    });
    await expect(reply.next()).rejects.toThrow("broken");
    expect(await reply.next()).toEqual({ done: true, value: undefined });
    expect(attempt.trace.headers).toBeUndefined();
  });
});

describe("options", () => {
  it.each([
    [{ point: [] }, "point", 'Did you mean "points"?'],
    [{ ttl: "2h" }, "ttl", "expected"],
    [{ points: "all" }, "points", '"auto"'],
    [{ points: [{ location: "message" }] }, "points.0", '"role" or "index"'],
    [{ points: [{ location: "tools", index: 1 }] }, "points.0.index", "no such option"],
    [{ points: [{ location: "message", role: "robot" }] }, "points.0.role", "expected"],
    [{ points: [{ location: "system" }] }, "points.0.location", "Invalid"],
  ])("%j", (options, param, message) => {
    expect(() => promptCaching(options as never)).toThrow(
      expect.objectContaining({ code: "option_invalid", param, message: expect.stringContaining(message) }),
    );
  });

  it("of a deployment are checked at start", async () => {
    await expect(
      ask({ info: { cacheControlInjectionPoints: [{ location: "message", role: "robot" }] } }),
    ).rejects.toMatchObject({
      code: "deployment_invalid",
      param: "info.cacheControlInjectionPoints",
      message: expect.stringContaining('deployment "d": cacheControlInjectionPoints[0][role]: '),
    });
  });
});
