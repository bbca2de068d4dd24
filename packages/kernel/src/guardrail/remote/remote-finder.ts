import type { Call } from "../../call.ts";
import type { FindContext, Finding, FoundIn, TextFinder } from "../text-finder.ts";
import type { JudgedText } from "./judged-text.ts";
import { addFindings, inOrder, joined, partOf, parts, wholePair } from "./judged-text.ts";
import type { RemoteGuardrailOptions } from "./remote-options.ts";
import type { JudgedFor, RemoteService } from "./remote-service.ts";
import type { TextJudge } from "./text-judge.ts";

const WINDOW = 400;
const OVERLAP = 100;
const LONGEST = 100_000;
/** From so many texts on, those that are short are put together, where each would be a question of its own. */
const MANY = 16;
const SHORT = 200;
const JOINED = 4_000;
/** What must follow a piece at least, so that no placeholder of the gateway's own is cut. */
const AHEAD = 64;
/** In JSON each character may be an escape of six, and 256 are known of what was released. */
const JSON_CONTEXT = 40;

/**
 * Finds what a service finds. Requests and plain replies are judged whole; streams in pieces of a fixed length with
 * their neighbours, so that the same text is cut in the same places whatever pieces it came in.
 */
export function remoteFinder(options: RemoteGuardrailOptions, judge: TextJudge, service: RemoteService): TextFinder {
  const { windowCharacters = WINDOW, overlapCharacters: overlap = OVERLAP, minConfidence = 0 } = options;
  const { maxCharacters = LONGEST, maxTexts = 1 } = judge;
  const ahead = Math.max(overlap, AHEAD) + 1;
  const most = Math.min(maxCharacters, LONGEST);
  const step = Math.max(1, Math.min(windowCharacters, most - 2 * overlap - 2));

  async function judged(
    list: readonly JudgedText[],
    texts: number,
    place: JudgedFor,
  ): Promise<readonly (readonly Finding[])[]> {
    const found: Finding[][] = Array.from({ length: texts }, () => []);
    const judgements = await service.judge(
      list.map(({ text }) => text),
      place,
    );
    const whole = new Set<Finding>();
    for (const [at, each] of list.entries()) {
      const { categories, ...rest } = judgements[at] ?? {};
      addFindings(each, rest, found);
      if (categories === undefined || categories.length === 0) continue;
      const before = found.map((findings) => findings.length);
      addFindings(each, { categories }, found);
      for (const [of, findings] of found.entries()) for (const one of findings.slice(before[of])) whole.add(one);
    }
    return found.map((findings) =>
      inOrder(
        findings.filter(({ confidence = 1 }) => confidence >= minConfidence),
        (finding) => whole.has(finding),
      ),
    );
  }

  async function findAll(texts: readonly FoundIn[], call: Call, mode: "input" | "output" = "input") {
    const list = texts.flatMap(({ text }, of) => (hasWords(text) ? parts(text, of, most, overlap) : []));
    if (list.length === 0 && judge.wholeRequests === true && mode === "input") return await ofNone(texts.length, call);
    const many = maxTexts === 1 && new Set(list.map(({ text }) => text)).size > MANY;
    return await judged(many ? joined(list, SHORT, Math.min(JOINED, most)) : list, texts.length, { call, mode });
  }

  /** What is said about a request without words, behind the lists of its texts. */
  async function ofNone(texts: number, call: Call): Promise<readonly (readonly Finding[])[]> {
    const { categories = [] } = await service.judgeNone({ call, mode: "input" });
    return [...Array<Finding[]>(texts).fill([]), categories.map((one) => ({ start: 0, end: 0, ...one }))];
  }

  /** Whether the piece that begins here is one of many: more than it, and all that it is judged with, is there. */
  const isFull = (text: string, at: number): boolean => text.length - at > step + ahead;

  async function find(text: string, from: number, context: FindContext): Promise<readonly Finding[]> {
    const { call, mode, upTo = text.length } = context;
    if (from === 0 && context.upTo === undefined) return (await findAll([{ text, context }], call, mode))[0] ?? [];
    const before = context.kind === "arguments" ? Math.min(overlap, JSON_CONTEXT) : overlap;
    const all: Finding[] = [];
    for (let at = from; at < upTo; ) {
      const end = isFull(text, at) ? wholePair(text, at + step) : text.length;
      const start = wholePair(text, Math.max(0, at - before));
      const part = partOf(text, 0, at, end, overlap, start);
      const [findings = []] = hasWords(part.text) ? await judged([part], 1, { call, mode }) : [];
      all.push(...findings);
      // one that reaches over the end is released with this piece
      at = findings.reduce((last, finding) => Math.max(last, finding.end), end);
    }
    return all;
  }

  return {
    find,
    findAll: (texts, call) => findAll(texts, call),
    ...(options.streaming !== "hold" && {
      settled: (text, from) => (isFull(text, from) ? wholePair(text, from + step) : from),
    }),
  };
}

function hasWords(text: string): boolean {
  return /[\p{L}\p{N}\p{S}]/u.test(text);
}
