import { inspect } from "node:util";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Plugin, Trace } from "@signalbox/kernel";
import { Secret } from "@signalbox/kernel";
import type { RemoteGuardrailOptions } from "@signalbox/kernel/guardrails";
import type { Exchange, ReplayServer, SentRequest } from "@signalbox/kernel/testkit";
import { refusedUrl, replayServer } from "@signalbox/kernel/testkit";
import { azureGuardrails } from "@signalbox/plugin-guardrail-azure";
import { bedrockGuardrails } from "@signalbox/plugin-guardrail-bedrock";
import { lakeraGuardrails } from "@signalbox/plugin-guardrail-lakera";
import { llamaGuardrails } from "@signalbox/plugin-guardrail-llama-guard";
import { moderationGuardrails } from "@signalbox/plugin-guardrail-openai-moderation";
import { presidioGuardrails } from "@signalbox/plugin-guardrail-presidio";
import { webhookGuardrails } from "@signalbox/plugin-guardrail-webhook";
import type { RunningGateway } from "../e2e/running-gateway.ts";
import { CLIENT_KEY, runningGateway } from "../e2e/running-gateway.ts";

const SECRET = "guard-credential-4711";
const secret = new Secret(SECRET);

/** Has something against the falcon, and finds addresses of e-mail. */
const hasFalcon = (text: string) => text.includes("falcon");
const mails = (text: string) => [...text.matchAll(/[a-z.]+@[a-z.]+[a-z]/g)];

/** One vendor: its format, its guardrail, and the category of a block. */
interface Vendor {
  readonly answer: (body: Record<string, unknown>, request: SentRequest) => unknown;
  readonly plugin: (list: readonly (RemoteGuardrailOptions & { readonly url: string })[]) => Plugin;
  readonly category: string;
  /** What stands in the place of an address, where it masks. */
  readonly masked?: string;
}

const VENDORS: Readonly<Record<string, Vendor>> = {
  webhook: {
    answer: ({ texts }) => {
      const list = texts as string[];
      if (list.some(hasFalcon)) return { action: "BLOCKED", blocked_reason: "it names a project" };
      const masked = list.map((text) => mails(text).reduce((rest, [mail]) => rest.replace(mail, "<mail>"), text));
      const isSame = masked.every((text, at) => text === list[at]);
      return isSame ? { action: "NONE" } : { action: "GUARDRAIL_INTERVENED", texts: masked };
    },
    plugin: (list) =>
      webhookGuardrails(
        list.map(({ url, ...rest }) => ({ ...rest, baseUrl: url, apiKey: secret, signingSecret: secret })),
      ),
    category: "blocked",
    masked: "<mail>",
  },
  moderation: {
    answer: ({ input }) => ({
      results: (input as string[]).map((text) => ({
        flagged: hasFalcon(text),
        categories: { illicit: hasFalcon(text) },
        category_scores: { illicit: hasFalcon(text) ? 0.9 : 0 },
      })),
    }),
    plugin: (list) => moderationGuardrails(list.map(({ url, ...rest }) => ({ ...rest, baseUrl: url, apiKey: secret }))),
    category: "illicit",
  },
  presidio: {
    answer: ({ text }) => {
      const points = (place: number) => [...(text as string).slice(0, place)].length;
      const found = (start: number, length: number, type: string) => ({
        entity_type: type,
        start: points(start),
        end: points(start) + length,
        score: 0.9,
      });
      const falcon = (text as string).indexOf("falcon");
      return [
        ...mails(text as string).map(({ 0: mail, index }) => found(index, mail.length, "EMAIL")),
        ...(falcon < 0 ? [] : [found(falcon, 6, "PROJECT")]),
      ];
    },
    plugin: (list) =>
      presidioGuardrails(
        list.map(({ url, ...rest }) => ({
          ...rest,
          baseUrl: url,
          apiKey: secret,
          ...(rest.action === undefined && { action: ({ kind }) => (kind === "PROJECT" ? "block" : "mask") }),
        })),
      ),
    category: "PROJECT",
    masked: "[EMAIL]",
  },
  lakera: {
    answer: ({ messages }) => {
      const detected = (messages as { content: string }[]).some(({ content }) => hasFalcon(content));
      return { flagged: detected, breakdown: [{ detector_type: "prompt_attack", detected }], payload: [] };
    },
    plugin: (list) => lakeraGuardrails(list.map(({ url, ...rest }) => ({ ...rest, baseUrl: url, apiKey: secret }))),
    category: "prompt_attack",
  },
  azure: {
    answer: ({ text }) => ({
      categoriesAnalysis: [{ category: "Violence", severity: hasFalcon(text as string) ? 6 : 0 }],
    }),
    plugin: (list) =>
      azureGuardrails(
        list.map(({ url, ...rest }) => ({ ...rest, type: "textModeration", baseUrl: url, apiKey: secret })),
      ),
    category: "Violence",
  },
  bedrock: {
    answer: ({ content }) => {
      const [{ text }] = content as [{ text: { text: string } }];
      const topics = [{ name: "birds", type: "DENY", action: "BLOCKED" }];
      if (hasFalcon(text.text)) return { action: "GUARDRAIL_INTERVENED", assessments: [{ topicPolicy: { topics } }] };
      const piiEntities = mails(text.text).map(([match]) => ({ type: "EMAIL", match, action: "ANONYMIZED" }));
      if (piiEntities.length === 0) return { action: "NONE" };
      return { action: "GUARDRAIL_INTERVENED", assessments: [{ sensitiveInformationPolicy: { piiEntities } }] };
    },
    plugin: (list) =>
      bedrockGuardrails(
        list.map(({ url, ...rest }) => ({
          ...rest,
          guardrailId: "abc",
          region: "eu-central-1",
          baseUrl: url,
          credentials: { accessKeyId: "AKID", secretAccessKey: secret, sessionToken: secret },
        })),
      ),
    category: "topic/birds",
    masked: "{EMAIL}",
  },
  llama: {
    answer: ({ messages }) => {
      const last = (messages as { content: string }[]).at(-1)?.content ?? "";
      return { choices: [{ message: { content: hasFalcon(last) ? "unsafe\nS2" : "safe" } }] };
    },
    plugin: (list) =>
      llamaGuardrails(list.map(({ url, ...rest }) => ({ ...rest, model: "guard", baseUrl: url, apiKey: secret }))),
    category: "S2",
  },
};

const off = { defaultOn: false } as const;
const servers: ReplayServer[] = [];
const traces: Trace[] = [];
let running: RunningGateway;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  const down = await refusedUrl();
  const plugins: Plugin[] = [];
  for (const [name, { answer, plugin }] of Object.entries(VENDORS)) {
    const server = await replayServer((request): Exchange => {
      const { authorization = "", "ocp-apim-subscription-key": key } = request.headers;
      if (!authorization.startsWith("AWS4-") && key !== SECRET && authorization !== `Bearer ${SECRET}`) {
        return { status: 401 };
      }
      return { body: answer(JSON.parse(request.body), request) };
    });
    servers.push(server);
    const common = { url: server.url, runs: off, windowCharacters: 48, overlapCharacters: 32 };
    plugins.push(
      plugin([
        { ...common, name },
        { ...common, name: `${name}-replies`, mode: "after" },
        { ...common, name: `${name}-beside`, mode: "during" as const, action: "block" },
        { ...common, name: `${name}-route`, mode: "before", action: { reroute: "openai/fixed" } },
        { ...common, name: `${name}-closed`, url: down },
        { ...common, name: `${name}-open`, url: down, onUnavailable: "open" },
      ]),
    );
  }
  const watch = ({ trace }: { readonly trace: Trace }) => void traces.push(trace);
  running = await runningGateway({
    plugins: [...plugins, { name: "watch", on: { callSucceeded: watch, callFailed: watch } }],
  });
  openai = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 });
});
afterAll(async () => {
  await running.close();
  await Promise.all(servers.map((server) => server.close()));
});

type Ask = (text: string, guardrail: string) => Promise<string>;

const request = (text: string, guardrail: string) => ({
  // pieces that cut words and pairs of surrogates anywhere
  model: "openai/echo+chunks-9+split-1",
  messages: [{ role: "user" as const, content: text }],
  guardrails: [guardrail],
});

const CLIENTS: Readonly<Record<string, Ask>> = {
  "OpenAI, plain": async (text, guardrail) =>
    (await openai.chat.completions.create(request(text, guardrail))).choices[0]?.message.content ?? "",
  "OpenAI, streamed": async (text, guardrail) => {
    let said = "";
    const body = { ...request(text, guardrail), stream: true as const };
    for await (const { choices } of await openai.chat.completions.create(body)) said += choices[0]?.delta.content ?? "";
    return said;
  },
  "Anthropic, plain": async (text, guardrail) =>
    words(await anthropic.messages.create({ ...request(text, guardrail), max_tokens: 900 })),
  "Anthropic, streamed": async (text, guardrail) =>
    words(await anthropic.messages.stream({ ...request(text, guardrail), max_tokens: 900 }).finalMessage()),
};

function words({ content }: Anthropic.Message): string {
  return content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

const FINE = `Grüße aus 東京 👋🏽, как дела? ${"All is well. ".repeat(12)}`.trim();
const MATRIX = Object.keys(VENDORS).flatMap((vendor) =>
  Object.keys(CLIENTS).map((client) => [vendor, client] as const),
);

async function failed(asking: Promise<string>): Promise<Error> {
  return await asking.then(
    (text) => new Error(`answered ${text}`),
    (thrown: Error) => thrown,
  );
}

describe.each(MATRIX)("%s, asked for %s", (vendor, client) => {
  const { category, masked } = VENDORS[vendor] as Vendor;
  const ask = CLIENTS[client] as Ask;

  it("lets pass what it has nothing against", async () => {
    expect(await ask(FINE, vendor)).toBe(FINE);
    const outcomes = new Set(traces.at(-1)?.questions?.map(({ outcome }) => outcome));
    expect([...outcomes].every((outcome) => outcome === "answered" || outcome === "cached")).toBe(true);
    expect(outcomes.size).toBeGreaterThan(0);
  });

  it.each(["", "-beside"])("blocks a request (%j)", async (kind) => {
    const before = running.upstream.received;
    const error = await failed(ask(`${FINE} the falcon`, vendor + kind));
    expect(error).toMatchObject({ status: 400 });
    expect(error.message).toContain("blocked by guardrail");
    if (kind === "") expect(running.upstream.received).toBe(before);
    expect(traces.at(-1)?.guarded?.at(-1)).toMatchObject({ mode: "input", action: "blocked", category });
    expect(inspect([error, traces.at(-1)], { depth: 9 })).not.toMatch(/guard-credential|falcon/);
  });

  it("blocks a reply before any of it is sent", async () => {
    const error = await failed(ask(`${FINE} the falcon flies. ${FINE}`, `${vendor}-replies`));
    expect(error.message).toContain("blocked by guardrail");
    expect(traces.at(-1)?.guarded?.at(-1)).toMatchObject({ mode: "output", action: "blocked", category });
    expect(running.gateway.activeCalls).toBe(0);
  });

  it.runIf(masked !== undefined)("masks what the model is asked, and what it says", async () => {
    const text = `👋🏽 я ada@example.com. ${FINE} bob@example.org!`;
    const expected = text.replace("ada@example.com", masked ?? "").replace("bob@example.org", masked ?? "");
    expect(await ask(text, vendor)).toBe(expected);
    expect(String(running.upstream.requests.at(-1)?.body)).not.toContain("example");
    expect(await ask(text, `${vendor}-replies`)).toBe(expected);
    expect(String(running.upstream.requests.at(-1)?.body)).toContain("ada@example.com");
  });

  it("sends a request elsewhere", async () => {
    expect(await ask("the falcon", `${vendor}-route`)).not.toContain("falcon");
    expect(JSON.parse(String(running.upstream.requests.at(-1)?.body))).toMatchObject({ model: "fixed" });
  });

  it("is closed while its service is down, or open, as declared", async () => {
    const before = running.upstream.received;
    const error = await failed(ask(FINE, `${vendor}-closed`));
    expect(error).toMatchObject({ status: 503 });
    expect(error.message).toContain("is not available");
    expect(error.message).not.toContain(SECRET);
    expect(running.upstream.received).toBe(before);
    expect(await ask(FINE, `${vendor}-open`)).toBe(FINE);
    expect(traces.at(-1)?.notes?.map(({ text }) => text)).toContain(
      `guardrail "${vendor}-open" failed and is set to fail open`,
    );
  });
});
