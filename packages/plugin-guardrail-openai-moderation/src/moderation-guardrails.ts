import { z } from "zod";
import type { Plugin } from "@signalbox/kernel";
import type { Judgement, RemoteQuestion, TextJudge } from "@signalbox/kernel/guardrails";
import { remoteGuardrail, remotePlugin } from "@signalbox/kernel/guardrails";
import type { ModerationGuardrailOptions } from "./options.ts";
import { checkOptions } from "./options.ts";

const MODEL = "omni-moderation-latest";
const BASE_URL = "https://api.openai.com/v1";
const MOST_TEXTS = 32;

const Answer = z.object({
  results: z.array(
    z.object({
      flagged: z.boolean(),
      categories: z.record(z.string(), z.boolean().nullable()),
      category_scores: z.record(z.string(), z.number().nullable()),
    }),
  ),
});

/** What a model says about one text. */
interface Moderation {
  readonly categories: Readonly<Record<string, boolean | null>>;
  readonly scores: Readonly<Record<string, number | null>>;
}

/**
 * Guardrails by moderation models: of OpenAI, of whoever speaks its API, or of the gateway itself.
 *
 * ```ts
 * moderationGuardrails([{ name: "moderation", apiKey: new Secret("…"), thresholds: { violence: 0.7 } }]);
 * ```
 *
 * @throws {GatewayError} `option_invalid`
 */
export function moderationGuardrails(list: readonly ModerationGuardrailOptions[]): Plugin {
  checkOptions(list);
  return remotePlugin(
    "guardrail-openai-moderation",
    list.map((options) => remoteGuardrail(options, moderationJudge(options))),
  );
}

function moderationJudge(options: ModerationGuardrailOptions): TextJudge {
  const { model = MODEL, apiKey, baseUrl, categories, thresholds = {} } = options;
  const isOwn = apiKey === undefined && baseUrl === undefined;

  async function moderations(texts: readonly string[], question: RemoteQuestion): Promise<readonly Moderation[]> {
    if (isOwn) {
      const inputs = texts.map((text) => [{ type: "text" as const, text }]);
      return (await question.ask("moderate", { model, inputs })).results;
    }
    const answer = await question.send({
      url: `${(baseUrl ?? BASE_URL).replace(/\/+$/, "")}/moderations`,
      headers: { authorization: apiKey && `Bearer ${apiKey.reveal()}` },
      body: { model, input: texts },
    });
    return Answer.parse(answer).results.map((one) => ({ categories: one.categories, scores: one.category_scores }));
  }

  function judgementOf({ categories: flags, scores }: Moderation): Judgement {
    const found = [...new Set([...Object.keys(flags), ...Object.keys(scores)])].flatMap((kind) => {
      if (categories !== undefined && !categories.includes(kind)) return [];
      const score = scores[kind] ?? undefined;
      const threshold = thresholds[kind];
      const counts = threshold === undefined ? flags[kind] === true : score !== undefined && score >= threshold;
      return counts ? [{ kind, ...(score !== undefined && { confidence: Math.min(1, Math.max(0, score)) }) }] : [];
    });
    // the surest one is the one that a refusal names
    return { categories: found.sort((one, other) => (other.confidence ?? 1) - (one.confidence ?? 1)) };
  }

  return {
    maxTexts: MOST_TEXTS,
    judge: async (texts, question) => (await moderations(texts, question)).map(judgementOf),
  };
}
