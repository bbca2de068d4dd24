import { z } from "zod";
import type { Plugin } from "@signalbox/kernel";
import type { Judgement, RemoteQuestion, TextJudge } from "@signalbox/kernel/guardrails";
import { remoteGuardrail, remotePlugin } from "@signalbox/kernel/guardrails";
import type { AzureGuardrailOptions, PromptShieldOptions, TextModerationOptions } from "./options.ts";
import { checkOptions } from "./options.ts";

const API_VERSION = "2024-09-01";
/** Of both services, in characters; no text has more of them than of UTF-16 code units. */
const LONGEST = 10_000;
const SEVERITY = 4;

const Shielded = z.object({ userPromptAnalysis: z.object({ attackDetected: z.boolean() }) });
const Moderated = z.object({
  categoriesAnalysis: z.array(z.object({ category: z.string(), severity: z.number() })),
  blocklistsMatch: z.array(z.object({ blocklistName: z.string() })).nullish(),
});

/**
 * Guardrails by Azure AI Content Safety: attacks on prompts, and harmful content by severity.
 *
 * ```ts
 * azureGuardrails([
 *   { type: "promptShield", name: "shield", baseUrl, apiKey },
 *   { type: "textModeration", name: "harm", baseUrl, apiKey, severities: { Hate: 2 } },
 * ]);
 * ```
 *
 * @throws {GatewayError} `option_invalid`
 */
export function azureGuardrails(list: readonly AzureGuardrailOptions[]): Plugin {
  checkOptions(list);
  return remotePlugin(
    "guardrail-azure",
    list.map((options) =>
      options.type === "promptShield"
        ? // an attack comes from outside; replies talk about it
          remoteGuardrail({ mode: "before", ...options }, shieldJudge(options))
        : remoteGuardrail(options, moderationJudge(options)),
    ),
  );
}

async function ask(
  { baseUrl, apiKey, token, apiVersion = API_VERSION }: AzureGuardrailOptions,
  action: string,
  body: object,
  question: RemoteQuestion,
): Promise<unknown> {
  const bearer = token === undefined ? undefined : `Bearer ${(await token()).reveal()}`;
  return await question.send({
    url: `${baseUrl.replace(/\/+$/, "")}/contentsafety/text:${action}?api-version=${apiVersion}`,
    headers: { "ocp-apim-subscription-key": apiKey?.reveal(), authorization: bearer },
    body,
  });
}

function shieldJudge(options: PromptShieldOptions): TextJudge {
  async function judgementOf(text: string, question: RemoteQuestion): Promise<Judgement> {
    const answer = await ask(options, "shieldPrompt", { userPrompt: text, documents: [] }, question);
    return Shielded.parse(answer).userPromptAnalysis.attackDetected ? { categories: [{ kind: "promptAttack" }] } : {};
  }
  return judgeOf(judgementOf);
}

function moderationJudge(options: TextModerationOptions): TextJudge {
  const { severity = SEVERITY, severities = {}, categories, blocklists, eightLevels = false } = options;

  async function judgementOf(text: string, question: RemoteQuestion): Promise<Judgement> {
    const body = {
      text,
      categories,
      blocklistNames: blocklists,
      haltOnBlocklistHit: false,
      outputType: eightLevels ? "EightSeverityLevels" : "FourSeverityLevels",
    };
    const { categoriesAnalysis, blocklistsMatch } = Moderated.parse(await ask(options, "analyze", body, question));
    const listed = [...new Set((blocklistsMatch ?? []).map(({ blocklistName }) => blocklistName))];
    const harmful = categoriesAnalysis
      .filter((one) => one.severity >= (severities[one.category] ?? severity))
      .sort((one, other) => other.severity - one.severity);
    return {
      categories: [
        ...listed.map((name) => ({ kind: `blocklist/${name}` })),
        ...harmful.map((one) => ({ kind: one.category, confidence: Math.min(1, one.severity / 7) })),
      ],
    };
  }
  return judgeOf(judgementOf);
}

function judgeOf(judgementOf: (text: string, question: RemoteQuestion) => Promise<Judgement>): TextJudge {
  return {
    maxCharacters: LONGEST,
    judge: async (texts, question) => await Promise.all(texts.map((text) => judgementOf(text, question))),
  };
}
