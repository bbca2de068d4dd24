import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ReplayServer } from "@signalbox/kernel/testkit";
import { refusedUrl, replayServer } from "@signalbox/kernel/testkit";
import { Workshop } from "./configured.ts";

// Services that check texts, as a configuration names them: one of each, on loopback, in their own formats.

type Body = Readonly<Record<string, unknown>>;

const isBad = (text: string): boolean => text.includes("falcon");
const MAIL = "ann@example.com";

/** What each service answers, by a piece of its path. */
const SERVICES: Readonly<Record<string, (body: Body) => unknown>> = {
  "/beta/litellm_basic_guardrail_api": ({ texts }) =>
    (texts as string[]).some(isBad) ? { action: "BLOCKED", blocked_reason: "it names a project" } : { action: "NONE" },
  "/moderations": ({ input }) => ({
    results: (input as string[]).map((text) => ({
      flagged: isBad(text),
      categories: { illicit: isBad(text) },
      category_scores: { illicit: isBad(text) ? 0.9 : 0 },
    })),
  }),
  "/analyze": ({ text }) => {
    const found = (kind: string, word: string) => {
      const start = String(text).indexOf(word);
      return start < 0 ? [] : [{ entity_type: kind, start, end: start + word.length, score: 0.9 }];
    };
    return [...found("PROJECT", "falcon"), ...found("EMAIL_ADDRESS", MAIL)];
  },
  "/v2/guard": ({ messages }) => {
    const [{ content }] = messages as [{ content: string }];
    const mail = content.indexOf(MAIL);
    const detected = isBad(content);
    return {
      flagged: detected || mail >= 0,
      breakdown: [{ detector_type: "prompt_attack", detected }],
      payload: mail < 0 ? [] : [{ start: mail, end: mail + MAIL.length, text: MAIL, detector_type: "pii/email" }],
    };
  },
  "/contentsafety/text:shieldPrompt": ({ userPrompt }) => ({
    userPromptAnalysis: { attackDetected: isBad(String(userPrompt)) },
  }),
  "/contentsafety/text:analyze": ({ text }) => ({
    categoriesAnalysis: [{ category: "Violence", severity: isBad(String(text)) ? 2 : 0 }],
  }),
  "/guardrail/abc123/version/3/apply": ({ content }) =>
    (content as { text: { text: string } }[]).some(({ text }) => isBad(text.text))
      ? {
          action: "GUARDRAIL_INTERVENED",
          outputs: [{ text: "Sorry." }],
          assessments: [{ topicPolicy: { topics: [{ name: "birds", type: "DENY", action: "BLOCKED" }] } }],
        }
      : { action: "NONE", outputs: [], assessments: [] },
  "/chat/completions": ({ messages }) => ({
    id: "1",
    object: "chat.completion",
    created: 0,
    model: "llama-guard",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: isBad(JSON.stringify(messages)) ? "unsafe\nS1" : "safe" },
        finish_reason: "stop",
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }),
};

const PARAMS = (url: string): Readonly<Record<string, string>> => ({
  generic: `guardrail: generic_guardrail_api, api_base: "${url}", api_key: sk-guard, headers: {x-team: blue}`,
  moderation: `guardrail: openai_moderation, api_base: "${url}/v1", api_key: sk-guard, category_thresholds: {illicit: 0.8}`,
  presidio: `guardrail: presidio, presidio_analyzer_api_base: "${url}", presidio_language: de,
      pii_entities_config: {PROJECT: BLOCK, EMAIL_ADDRESS: MASK}`,
  lakera: `guardrail: lakera_v2, api_base: "${url}", api_key: sk-guard, project_id: project-1, mask_request_content: true`,
  shield: `guardrail: azure/prompt_shield, api_base: "${url}", api_key: sk-guard`,
  harm: `guardrail: azure/text_moderations, api_base: "${url}", api_key: sk-guard, severity_threshold: 4,
      severity_threshold_by_category: {Violence: 2}`,
  bedrock: `guardrail: bedrock, api_base: "${url}", guardrailIdentifier: abc123, guardrailVersion: 3,
      aws_region_name: eu-central-1, aws_access_key_id: AKID, aws_secret_access_key: os.environ/AWS_HUSH`,
  llama: `guardrail: llamaguard, api_base: "${url}/v1", model: llama-guard`,
});

/** The category of a block. */
const CATEGORIES: Readonly<Record<string, string>> = {
  generic: "blocked",
  moderation: "illicit",
  presidio: "PROJECT",
  lakera: "prompt_attack",
  shield: "promptAttack",
  harm: "Violence",
  bedrock: "topic/birds",
  llama: "S1",
};

let services: ReplayServer;
let openai: OpenAI;
let banner: string;
const workshop = new Workshop();

beforeAll(async () => {
  services = await replayServer(({ path, body }) => {
    const [, answer] = Object.entries(SERVICES).find(([piece]) => decodeURIComponent(path).includes(piece)) ?? [];
    if (answer === undefined) return { status: 404, body: { error: `nothing at ${path}` } };
    return { body: answer(JSON.parse(body) as Body) };
  });
  const gone = await refusedUrl();
  const all = {
    ...PARAMS(services.url),
    open: `guardrail: generic_guardrail_api, api_base: "${gone}", unreachable_fallback: fail_open`,
    closed: `guardrail: generic_guardrail_api, api_base: "${gone}", unreachable_fallback: fail_closed`,
  };
  const gateway = await workshop.start(
    `
model_list:
  - model_name: echo
    litellm_params: {model: mock/echo}
guardrails:
${Object.entries(all)
  .map(([name, params]) => `  - guardrail_name: ${name}\n    litellm_params: {${params}, mode: pre_call}`)
  .join("\n")}
`,
    { AWS_HUSH: "aws-secret" },
  );
  banner = gateway.stdout;
  openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  await workshop.close();
  await services.close();
});

async function ask(guardrail: string, content: string): Promise<string> {
  // a member that the SDK does not know is sent as it is
  const request = { model: "echo", messages: [{ role: "user" as const, content }], guardrails: [guardrail] };
  const { choices } = await openai.chat.completions.create(request);
  return choices[0]?.message.content ?? "";
}

test("the start names them", () => {
  expect(banner).toContain("guardrails generic (where asked for), moderation (where asked for), presidio");
});

describe.each(Object.entries(CATEGORIES))("%s", (name, category) => {
  test("lets through what its service lets through", async () => {
    const before = services.sent.length;
    expect(await ask(name, "hello there")).toContain("hello there");
    expect(services.sent.length).toBe(before + 1);
  });

  test("blocks what its service has something against", async () => {
    await expect(ask(name, "what of the falcon?")).rejects.toMatchObject({
      status: 400,
      code: "guardrail_blocked",
      error: { details: { guardrail: name, mode: "input", category } },
    });
  });
});

test.each(["presidio", "lakera"])("%s masks personal data", async (name) => {
  const answer = await ask(name, `write to ${MAIL}`);
  expect(answer).toMatch(/write to \[/);
  expect(answer).not.toContain(MAIL);
});

test("services get the settings of the file", async () => {
  for (const name of ["generic", "presidio", "lakera", "bedrock"]) await ask(name, "settings");
  const [generic, presidio, lakera, bedrock] = services.sent.slice(-4);
  expect(generic?.headers).toMatchObject({ authorization: "Bearer sk-guard", "x-team": "blue" });
  expect(JSON.parse(presidio?.body ?? "")).toMatchObject({ language: "de", entities: ["PROJECT", "EMAIL_ADDRESS"] });
  expect(JSON.parse(lakera?.body ?? "")).toMatchObject({ project_id: "project-1" });
  expect(bedrock?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKID\/\d+\/eu-central-1\//);
});

test("while a service is away calls go on or end, as the file says", async () => {
  expect(await ask("open", "hello")).toContain("hello");
  await expect(ask("closed", "hello")).rejects.toMatchObject({ status: 503, code: "guardrail_unavailable" });
});
