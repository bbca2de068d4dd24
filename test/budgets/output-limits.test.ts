import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { listen } from "@signalbox/express/node";
import type { Deployment, Principal } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import type { BudgetsOptions } from "@signalbox/plugin-budgets";
import { budgets } from "@signalbox/plugin-budgets";
import { pricing } from "@signalbox/plugin-pricing";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { openai, openaiDialects } from "@signalbox/provider-openai";

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const USAGE = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };

/** What each path of the vendors answers. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  "/v1/chat/completions": {
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
    usage: USAGE,
  },
  "/v1/completions": {
    id: "c",
    object: "text_completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, text: "ok", finish_reason: "stop", logprobs: null }],
    usage: USAGE,
  },
  "/v1/messages": {
    id: "m",
    type: "message",
    role: "assistant",
    model: "m",
    content: [{ type: "text", text: "ok" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 5, output_tokens: 2 },
  },
};

interface Started {
  /** The bodies that have come upstream, as they came. */
  readonly bodies: string[];
  post(path: string, body: Readonly<Record<string, unknown>> | string): Promise<Response>;
}

/** A dollar for a million tokens in, ten for a million out; nobody knows how long its answers may be. */
const PRICES = { inputCostPerToken: 0.000001, outputCostPerToken: 0.00001 };

async function start(
  options: BudgetsOptions,
  deployment: Partial<Deployment> = {},
  principal: Partial<Principal> = {},
): Promise<Started> {
  const bodies: string[] = [];
  const upstream = createServer((request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      bodies.push(Buffer.concat(pieces).toString());
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(ANSWERS[request.url ?? ""]));
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const gateway = await createGateway({
    plugins: [
      {
        name: "vendors",
        providers: [openai({}), anthropic({})],
        dialects: [...openaiDialects(), ...anthropicDialects()],
        authenticator: {
          required: true,
          authenticate: () => ({ id: "k", kind: "key" as const, admin: false, models: ["*"], ...principal }),
        },
      },
      pricing(),
      budgets(options),
    ],
    deployments: [
      {
        id: "d",
        model: "m",
        provider: "openai",
        upstreamModel: "m-1",
        baseUrl: deployment.provider === "anthropic" ? url : `${url}/v1`,
        apiKey: new Secret("sk-upstream-0123456789"),
        info: PRICES,
        ...deployment,
      },
    ],
  });
  const listener = await listen(gateway, { port: 0, host: "127.0.0.1" });
  closing.push(
    () => new Promise((resolve) => upstream.close(resolve)),
    () => gateway.close(),
    () => listener.close(),
  );
  return {
    bodies,
    post: (path, body) =>
      fetch(listener.url + path, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer k" },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
  };
}

const hi = [{ role: "user", content: "hi" }];
const CHAT = "/v1/chat/completions";
const cent = { scope: { kind: "gateway", id: "gateway" }, limit: 10_000_000n } as const;

describe("a default for output tokens", () => {
  it("makes a small budget usable, and is all that changes of the client's bytes", async () => {
    const written = '{"model":"m", "messages":[{"role":"user","content":"hi"}],  "x_unknown":[1,2.50]}';
    const before = await start({ budgets: [cent] });
    // nothing bounds what it may cost
    expect((await before.post(CHAT, written)).status).toBe(400);
    expect(before.bodies).toEqual([]);

    const { post, bodies } = await start({ budgets: [cent], defaultMaxOutputTokens: 400 });
    const response = await post(CHAT, written);
    expect([response.status, response.headers.get("x-signalbox-injected-params")]).toEqual([200, "max_tokens=400"]);
    expect(bodies).toEqual([
      '{"model":"m-1", "messages":[{"role":"user","content":"hi"}],  "x_unknown":[1,2.50],"max_tokens":400}',
    ]);
  });

  it("leaves alone what names a limit, and deployments that set one", async () => {
    const { post, bodies } = await start({ defaultMaxOutputTokens: 400 });
    for (const member of ["max_tokens", "max_completion_tokens"]) {
      const response = await post(CHAT, { model: "m", messages: hi, [member]: 7 });
      expect(response.headers.get("x-signalbox-injected-params")).toBeNull();
    }
    expect(bodies.map((body) => JSON.parse(body))).toEqual([
      { model: "m-1", messages: hi, max_tokens: 7 },
      { model: "m-1", messages: hi, max_completion_tokens: 7 },
    ]);
    const own = await start({ defaultMaxOutputTokens: 400 }, { extraBody: { max_tokens: 9 } });
    const response = await own.post(CHAT, { model: "m", messages: hi });
    expect(response.headers.get("x-signalbox-injected-params")).toBeNull();
    expect(JSON.parse(own.bodies[0] as string)).toEqual({ model: "m-1", messages: hi, max_tokens: 9 });
  });

  it.each([
    ["gpt-4o-mini", { max_tokens: 400 }],
    ["gpt-5-mini", { max_completion_tokens: 400 }],
  ])("has the name that %s knows", async (upstreamModel, limit) => {
    const { post, bodies } = await start({ defaultMaxOutputTokens: 400 }, { upstreamModel });
    expect((await post(CHAT, { model: "m", messages: hi })).status).toBe(200);
    expect(JSON.parse(bodies[0] as string)).toEqual({ model: upstreamModel, messages: hi, ...limit });
  });

  it("is not more than the model is known to give", async () => {
    const { post, bodies } = await start({ defaultMaxOutputTokens: 400 }, { info: { ...PRICES, maxOutputTokens: 30 } });
    const response = await post(CHAT, { model: "m", messages: hi });
    expect(response.headers.get("x-signalbox-injected-params")).toBe("max_tokens=30");
    expect(JSON.parse(bodies[0] as string).max_tokens).toBe(30);
  });

  it("holds for text completions, and for messages that are translated", async () => {
    const { post, bodies } = await start({ defaultMaxOutputTokens: 400 }, { upstreamModel: "gpt-3.5-turbo-instruct" });
    const response = await post("/v1/completions", { model: "m", prompt: "once" });
    expect([response.status, response.headers.get("x-signalbox-injected-params")]).toEqual([200, "max_tokens=400"]);
    expect(JSON.parse(bodies[0] as string)).toEqual({
      model: "gpt-3.5-turbo-instruct",
      prompt: "once",
      max_tokens: 400,
    });
    const claude = await start(
      { defaultMaxOutputTokens: 400 },
      { provider: "anthropic", upstreamModel: "claude-haiku-4-5" },
    );
    expect((await claude.post(CHAT, { model: "m", messages: hi })).status).toBe(200);
    expect(JSON.parse(claude.bodies[0] as string).max_tokens).toBe(400);
  });

  it("stands beside a budget for thinking", async () => {
    const claude = await start(
      { defaultMaxOutputTokens: 400 },
      { provider: "anthropic", upstreamModel: "claude-haiku-4-5" },
    );
    const thinking = { type: "enabled", budget_tokens: 2_000 };
    const response = await claude.post(CHAT, { model: "m", messages: hi, thinking });
    expect([response.status, response.headers.get("x-signalbox-injected-params")]).toEqual([200, "max_tokens=2400"]);
    expect(JSON.parse(claude.bodies[0] as string)).toMatchObject({ max_tokens: 2_400, thinking });
  });
});

describe("a limit above the model's", () => {
  const info = { ...PRICES, maxOutputTokens: 30 };

  it.each([
    ["max_tokens", "gpt-4o-mini", "max_tokens"],
    ["max_tokens", "gpt-5-mini", "max_completion_tokens"],
    ["max_completion_tokens", "gpt-5-mini", "max_completion_tokens"],
  ])("is lowered where that is wished: %s at %s", async (member, upstreamModel, sent) => {
    const { post, bodies } = await start({ clampOutputTokens: true }, { info, upstreamModel });
    const response = await post(CHAT, { model: "m", messages: hi, [member]: 31 });
    expect(response.headers.get("x-signalbox-clamped-params")).toBe("max_tokens=30");
    expect(JSON.parse(bodies[0] as string)).toEqual({ model: upstreamModel, messages: hi, [sent]: 30 });
    const within = await post(CHAT, { model: "m", messages: hi, [member]: 30 });
    expect(within.headers.get("x-signalbox-clamped-params")).toBeNull();
  });

  it("is lowered in messages, too", async () => {
    const claude = { provider: "anthropic", upstreamModel: "claude-haiku-4-5", info };
    const { post, bodies } = await start({ clampOutputTokens: true }, claude);
    const response = await post(
      "/v1/messages",
      '{"model":"m","max_tokens": 31 ,"messages":[{"role":"user","content":"hi"}]}',
    );
    expect([response.status, response.headers.get("x-signalbox-clamped-params")]).toEqual([200, "max_tokens=30"]);
    expect(bodies).toEqual([
      '{"model":"claude-haiku-4-5","max_tokens": 30 ,"messages":[{"role":"user","content":"hi"}]}',
    ]);
  });

  it("is the vendor's business otherwise", async () => {
    const { post, bodies } = await start({}, { info });
    await post(CHAT, { model: "m", messages: hi, max_tokens: 31 });
    expect(JSON.parse(bodies[0] as string).max_tokens).toBe(31);
  });
});

describe("what a budget does not cover", () => {
  const wish = { model: "m", messages: hi, max_tokens: 5_000 };

  it("is asked with as many output tokens as it covers, where that is wished", async () => {
    // of a cent: less than 300 bytes in at a µ$, the rest for tokens out at 10 µ$
    const { post, bodies } = await start({ budgets: [cent], fitOutputTokens: true });
    const response = await post(CHAT, wish);
    expect(response.status).toBe(200);
    const { max_tokens: asked } = JSON.parse(bodies[0] as string) as { readonly max_tokens: number };
    expect(response.headers.get("x-signalbox-clamped-params")).toBe(`max_tokens=${asked}`);
    expect(asked).toBeGreaterThan(970);
    expect(asked).toBeLessThan(1_000);
    // now 25 µ$ are spent: two tokens fewer, and a half
    expect((await post(CHAT, wish)).status).toBe(200);
    expect((JSON.parse(bodies[1] as string) as { readonly max_tokens: number }).max_tokens).toBe(asked - 3);
  });

  it("is refused where too little is left for an answer", async () => {
    const { post, bodies } = await start({ budgets: [{ ...cent, limit: 150_000n }], fitOutputTokens: true });
    expect((await post(CHAT, wish)).status).toBe(429);
    expect(bodies).toEqual([]);
  });

  it("is refused for callers who did not ask for it", async () => {
    const fitOutputTokens: BudgetsOptions["fitOutputTokens"] = ({ metadata }) => metadata?.["fit"] === true;
    const one = await start({ budgets: [cent], fitOutputTokens }, {}, { metadata: { fit: true } });
    expect((await one.post(CHAT, wish)).status).toBe(200);
    const other = await start({ budgets: [cent], fitOutputTokens });
    expect((await other.post(CHAT, wish)).status).toBe(429);
  });

  it("never takes more than the budget from many at once", async () => {
    const { post, bodies } = await start({ budgets: [cent], fitOutputTokens: true });
    const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await post(CHAT, wish)).status));
    expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
    // each that went upstream costs 25 µ$ at once, or 10,000 µ$ while it is on its way
    expect(bodies.length).toBe(statuses.filter((status) => status === 200).length);
    expect(bodies.length).toBeGreaterThan(0);
  });
});
