import { z } from "zod";
import type { Finding } from "@signalbox/kernel";
import type { Judgement } from "@signalbox/kernel/guardrails";

const action = z.string().nullish();
const Assessment = z.object({
  topicPolicy: z.object({ topics: z.array(z.object({ name: z.string(), action })) }).nullish(),
  contentPolicy: z.object({ filters: z.array(z.object({ type: z.string(), action })) }).nullish(),
  wordPolicy: z
    .object({
      customWords: z.array(z.object({ action })).nullish(),
      managedWordLists: z.array(z.object({ type: z.string(), action })).nullish(),
    })
    .nullish(),
  sensitiveInformationPolicy: z
    .object({
      piiEntities: z.array(z.object({ type: z.string(), match: z.string(), action })).nullish(),
      regexes: z.array(z.object({ name: z.string().nullish(), match: z.string().nullish(), action })).nullish(),
    })
    .nullish(),
  contextualGroundingPolicy: z.object({ filters: z.array(z.object({ type: z.string(), action })).nullish() }).nullish(),
});
const Answer = z.object({
  action: z.enum(["NONE", "GUARDRAIL_INTERVENED"]),
  outputs: z.array(z.object({ text: z.string().nullish() })).nullish(),
  assessments: z.array(Assessment).nullish(),
});

/** Something that a policy has found, and what it does about it. */
interface Found {
  readonly kind: string;
  readonly action: string | null | undefined;
  /** The piece that is masked. */
  readonly match?: string;
}

/** What an answer of `ApplyGuardrail` says about the text it was asked about. */
export function judgement(text: string, answer: unknown): Judgement {
  const { action: taken, assessments, outputs } = Answer.parse(answer);
  if (taken === "NONE") return {};
  const found = (assessments ?? []).flatMap(foundIn);
  const blocked = found.filter((each) => each.action === "BLOCKED");
  if (blocked.length > 0)
    return { categories: [...new Set(blocked.map(({ kind }) => kind))].map((kind) => ({ kind })) };
  const masked = found.filter((each) => each.action === "ANONYMIZED");
  if (masked.length === 0) return { categories: [{ kind: "intervened" }] };
  const findings = masked.flatMap((each) => places(text, each));
  if (masked.every(({ match }) => match !== undefined && text.includes(match))) return { findings };
  // a piece that is not told by its words: the masked text tells it
  const [output] = outputs ?? [];
  if (typeof output?.text !== "string") throw new RangeError("it has masked something and does not say what");
  return { text: output.text };
}

function foundIn(assessment: z.infer<typeof Assessment>): readonly Found[] {
  const { topicPolicy, contentPolicy, wordPolicy, sensitiveInformationPolicy, contextualGroundingPolicy } = assessment;
  return [
    ...(topicPolicy?.topics ?? []).map(({ name, action }) => ({ kind: `topic/${name}`, action })),
    ...(contentPolicy?.filters ?? []).map(({ type, action }) => ({ kind: type, action })),
    ...(wordPolicy?.customWords ?? []).map(({ action }) => ({ kind: "word", action })),
    ...(wordPolicy?.managedWordLists ?? []).map(({ type, action }) => ({ kind: type, action })),
    ...(sensitiveInformationPolicy?.piiEntities ?? []).map(({ type, match, action }) => ({
      kind: type,
      match,
      action,
    })),
    ...(sensitiveInformationPolicy?.regexes ?? []).map(({ name, match, action }) => ({
      kind: name ?? "regex",
      action,
      ...(typeof match === "string" && { match }),
    })),
    ...(contextualGroundingPolicy?.filters ?? []).map(({ type, action }) => ({ kind: type, action })),
  ];
}

/** Everywhere the piece stands; masked as the service masks it. */
function places(text: string, { kind, match = "" }: Found): readonly Finding[] {
  const findings: Finding[] = [];
  if (match === "") return findings;
  for (let at = text.indexOf(match); at >= 0; at = text.indexOf(match, at + match.length)) {
    findings.push({ start: at, end: at + match.length, kind, replacement: `{${kind}}` });
  }
  return findings;
}
