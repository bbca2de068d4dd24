import { z } from "zod";
import type { Finding, Plugin } from "@signalbox/kernel";
import type { Judgement, RemoteQuestion, TextJudge } from "@signalbox/kernel/guardrails";
import { remoteGuardrail, remotePlugin, utf16Offsets } from "@signalbox/kernel/guardrails";
import type { LakeraGuardrailOptions } from "./options.ts";
import { checkOptions } from "./options.ts";

const BASE_URL = "https://api.lakera.ai/v2";

const place = z.int().nonnegative();
const Answer = z.object({
  flagged: z.boolean(),
  breakdown: z.array(z.object({ detector_type: z.string(), detected: z.boolean() })).nullish(),
  payload: z
    .array(z.object({ start: place, end: place, detector_type: z.string(), text: z.string().nullish() }))
    .nullish(),
});

type Payload = NonNullable<z.infer<typeof Answer>["payload"]>[number];

/**
 * Guardrails that ask Lakera Guard (v2): attacks on prompts, content, links, personal data. Its project decides what counts.
 *
 * ```ts
 * lakeraGuardrails([{ name: "lakera", apiKey: new Secret("…"), projectId: "project-1" }]);
 * ```
 *
 * @throws {GatewayError} `option_invalid`
 */
export function lakeraGuardrails(list: readonly LakeraGuardrailOptions[]): Plugin {
  checkOptions(list);
  return remotePlugin(
    "guardrail-lakera",
    list.map((options) => remoteGuardrail(options, lakeraJudge(options))),
  );
}

function lakeraJudge({ apiKey, baseUrl = BASE_URL, projectId, detectors }: LakeraGuardrailOptions): TextJudge {
  const url = `${baseUrl.replace(/\/+$/, "")}/guard`;
  const counts = (type: string): boolean =>
    detectors?.some((one) => type === one || type.startsWith(`${one}/`)) ?? true;

  async function judgementOf(text: string, question: RemoteQuestion): Promise<Judgement> {
    const role = question.mode === "input" ? "user" : "assistant";
    const answer = Answer.parse(
      await question.send({
        url,
        headers: { authorization: apiKey && `Bearer ${apiKey.reveal()}` },
        body: { messages: [{ role, content: text }], project_id: projectId, breakdown: true, payload: true },
      }),
    );
    if (!answer.flagged) return {};
    const findings = (answer.payload ?? [])
      .filter(({ detector_type: type }) => counts(type))
      .map((each) => findingOf(each, text));
    const types = new Set((answer.breakdown ?? []).filter(({ detected }) => detected).map((one) => one.detector_type));
    // flagged, and no word of why
    if (types.size === 0 && (answer.payload ?? []).length === 0) return { categories: [{ kind: "flagged" }] };
    const placed = new Set(findings.map(({ kind }) => kind));
    const categories = [...types].filter((type) => counts(type) && !placed.has(type)).map((kind) => ({ kind }));
    return { findings, categories };
  }

  return { judge: async (texts, question) => await Promise.all(texts.map((text) => judgementOf(text, question))) };
}

/** Places are counted in code points; where the piece itself is told, it decides. */
function findingOf({ start, end, detector_type: kind, text: piece }: Payload, text: string): Finding {
  const utf16 = utf16Offsets(text);
  const isUtf16 = piece && text.slice(utf16(start), utf16(end)) !== piece && text.slice(start, end) === piece;
  return isUtf16 ? { start, end, kind } : { start: utf16(start), end: utf16(end), kind };
}
