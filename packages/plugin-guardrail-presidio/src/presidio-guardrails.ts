import { z } from "zod";
import type { Finding, Plugin } from "@signalbox/kernel";
import type { Judgement, RemoteQuestion, TextJudge } from "@signalbox/kernel/guardrails";
import { remoteGuardrail, remotePlugin, utf16Offsets } from "@signalbox/kernel/guardrails";
import type { PresidioGuardrailOptions } from "./options.ts";
import { checkOptions } from "./options.ts";

const LONGEST = 50_000;

const place = z.int().nonnegative();
const Analysis = z.array(z.object({ entity_type: z.string(), start: place, end: place, score: z.number() }));
const Anonymized = z.object({
  text: z.string(),
  // Places in the new text.
  items: z.array(z.object({ start: place, end: place, entity_type: z.string() })),
});

/**
 * Guardrails that find personal data by Presidio: names, places and whatever else it recognizes.
 *
 * ```ts
 * presidioGuardrails([{ name: "pii", baseUrl: "http://presidio-analyzer:3000", reversible: true }]);
 * ```
 *
 * @throws {GatewayError} `option_invalid`
 */
export function presidioGuardrails(list: readonly PresidioGuardrailOptions[]): Plugin {
  const withAction = list.map((options) => ({ action: "mask" as const, ...options }));
  checkOptions(withAction);
  return remotePlugin(
    "guardrail-presidio",
    withAction.map((options) => remoteGuardrail(options, presidioJudge(options))),
  );
}

function presidioJudge(options: PresidioGuardrailOptions): TextJudge {
  const { apiKey, language = "en", entities, scoreThreshold, adHocRecognizers, anonymizerUrl, anonymizers } = options;
  const headers = { authorization: apiKey && `Bearer ${apiKey.reveal()}` };
  const url = (base: string, path: string): string => `${base.replace(/\/+$/, "")}${path}`;

  async function judgementOf(text: string, question: RemoteQuestion): Promise<Judgement> {
    const analysis = Analysis.parse(
      await question.send({
        url: url(options.baseUrl, "/analyze"),
        headers,
        body: { text, language, entities, score_threshold: scoreThreshold, ad_hoc_recognizers: adHocRecognizers },
      }),
    );
    if (analysis.length === 0) return {};
    const utf16 = utf16Offsets(text);
    const findings = analysis.map(({ entity_type, start, end, score }) => ({
      start: utf16(start),
      end: utf16(end),
      kind: entity_type,
      confidence: Math.min(1, Math.max(0, score)),
    }));
    if (anonymizerUrl === undefined) return { findings };
    const answer = await question.send({
      url: url(anonymizerUrl, "/anonymize"),
      headers,
      body: { text, anonymizers, analyzer_results: analysis },
    });
    return { findings: replaced(text, findings, Anonymized.parse(answer)) };
  }

  return {
    maxCharacters: LONGEST,
    judge: async (texts, question) => await Promise.all(texts.map((text) => judgementOf(text, question))),
  };
}

/** The pieces that the anonymizer has changed, with its words: both texts are the same between them. */
function replaced(
  text: string,
  findings: readonly Finding[],
  { text: after, items }: z.infer<typeof Anonymized>,
): readonly Finding[] {
  const utf16 = utf16Offsets(after);
  const result: Finding[] = [];
  let [read, place] = [0, 0];
  const sorted = [...items].sort((one, other) => one.start - other.start);
  for (const [at, item] of sorted.entries()) {
    const start = place + utf16(item.start) - read;
    const between = after.slice(utf16(item.end), utf16(sorted[at + 1]?.start ?? Number.MAX_SAFE_INTEGER));
    const inside = findings.filter((finding) => finding.start >= start && finding.kind === item.entity_type);
    const end = inside.find((finding) => finding.start === start)?.end;
    if (end === undefined || !text.startsWith(between, end)) {
      throw new RangeError("the anonymizer has changed something else");
    }
    const replacement = after.slice(utf16(item.start), utf16(item.end));
    const { confidence } = inside[0] as Finding;
    result.push({ start, end, kind: item.entity_type, replacement, ...(confidence !== undefined && { confidence }) });
    [read, place] = [utf16(item.end), end];
  }
  return result;
}
