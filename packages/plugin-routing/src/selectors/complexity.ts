import type { ChatRequest } from "@signalbox/kernel";
import { userTurns } from "./question.ts";
import { WORD_GROUPS } from "./signal-words.ts";
import type { TextScan } from "./text-scan.ts";

/** What makes a question harder; `plain` makes it easier. */
export const COMPLEXITY_SIGNALS = [
  "reasoning",
  "maths",
  "task",
  "code",
  "terms",
  "steps",
  "constraints",
  "length",
  "structure",
  "tools",
  "turns",
  "plain",
] as const;

/**
 * | signal | what it looks at | weight |
 * |---|---|---|
 * | `reasoning` | words such as "prove", "step by step", "justify"; the client's own wish for reasoning | 0.9 |
 * | `maths` | mathematical words and signs, many numbers | 0.3 |
 * | `task` | verbs that ask for more than a fact: "write", "explain", "design" | 0.4 |
 * | `code` | fenced blocks, pairs of signs such as `=>`, identifiers, words of programming | 0.3 |
 * | `terms` | words of engineering, law, finance and science | 0.2 |
 * | `steps` | numbered lists, bullets, "first … then … finally", enumerations, several questions | 0.25 |
 * | `constraints` | "must", "at least", "without", "exactly" | 0.2 |
 * | `length` | by its logarithm: from 9 tokens on, at its strongest with 600 | 0.5 |
 * | `structure` | JSON or a schema is asked for | 0.1 |
 * | `tools` | how many tools are offered, at its strongest with 8 | 0.1 |
 * | `turns` | how many messages the user has written, at its strongest with 10 | 0.1 |
 * | `plain` | greetings and questions for one fact, in a short text without a task; taken off | 0.15 |
 */
export type ComplexitySignal = (typeof COMPLEXITY_SIGNALS)[number];

/** What each signal adds at its strongest. */
export const DEFAULT_WEIGHTS: Readonly<Record<ComplexitySignal, number>> = {
  reasoning: 0.9,
  maths: 0.3,
  task: 0.4,
  code: 0.3,
  terms: 0.2,
  steps: 0.25,
  constraints: 0.2,
  length: 0.5,
  structure: 0.1,
  tools: 0.1,
  turns: 0.1,
  plain: 0.15,
};

/** Much work alone does not need much thought: without `reasoning` and `maths` the score goes no higher. */
const WORK_LIMIT = 0.65;

const SHORT_TOKENS = 9;
const LONG_TOKENS = 600;
/** In a longer text a greeting says nothing. */
const PLAIN_TOKENS = 40;
/** Tokens per word, with the spaces; scripts without spaces take about one for each character. */
const TOKENS_PER_WORD = 1.3;

const REASONING = COMPLEXITY_SIGNALS.indexOf("reasoning");
const MATHS = COMPLEXITY_SIGNALS.indexOf("maths");
const PLAIN = COMPLEXITY_SIGNALS.indexOf("plain");

const group = (name: (typeof WORD_GROUPS)[number]): number => WORD_GROUPS.indexOf(name);
const CODE = group("code");
const TERMS = group("terms");
const MATHS_WORDS = group("maths");
const PROOF = group("proof");
const STEPWISE = group("stepwise");
const JUDGEMENT = group("judgement");
const TASK = group("task");
const SEQUENCE = group("sequence");
const CONSTRAINT = group("constraint");
const PLAIN_WORDS = group("plain");

/** A score, and what each signal adds to it, in the order of `COMPLEXITY_SIGNALS`. */
export interface Complexity {
  /** 0 to 1. */
  score: number;
  readonly contributions: Float64Array;
}

const atMostOne = (value: number): number => Math.min(value, 1);

/** 0, first, second, then 1. */
function graded(count: number, first: number, second: number): number {
  if (count === 0) return 0;
  if (count === 1) return first;
  return count === 2 ? second : 1;
}

function reasoningAsked({ reasoning }: ChatRequest): number {
  if (reasoning === undefined || reasoning.mode === "disabled") return 0;
  switch (reasoning.effort) {
    case "none":
    case "minimal":
    case "low":
      return 0;
    case "high":
    case "xhigh":
    case "max":
      return 2;
    default:
      return reasoning.effort === "medium" || reasoning.mode === "enabled" ? 1 : 0;
  }
}

/** How strong a signal is, 0 to 1. */
function strengths(scan: TextScan, request: ChatRequest): Readonly<Record<ComplexitySignal, number>> {
  const { found } = scan.lexicon;
  const count = (index: number): number => found[index] as number;
  const tokens = scan.words * TOKENS_PER_WORD + scan.ideographs;
  const codeShape = (scan.fences > 0 ? 3 : 0) + Math.min(scan.codePairs, 3) + Math.min(scan.identifiers, 3) * 0.5;
  const mathSigns = codeShape >= 3 ? 0 : scan.mathSigns;
  const numbers = codeShape >= 3 ? 0 : scan.numbers - scan.listItems;
  const reasoning = count(PROOF) * 4 + count(STEPWISE) * 2 + count(JUDGEMENT) + reasoningAsked(request);
  return {
    // one word alone may mean anything: program arguments, a strategy game
    reasoning: reasoning === 1 ? 0.1 : atMostOne(reasoning / 5),
    maths: atMostOne(graded(count(MATHS_WORDS), 0.4, 0.8) + Math.min(mathSigns, 4) * 0.15 + (numbers > 5 ? 0.3 : 0)),
    task: graded(count(TASK), 0.65, 0.75),
    code: atMostOne((codeShape + count(CODE) * 0.8) / 4),
    terms: graded(count(TERMS), 0.35, 0.7),
    steps: atMostOne(
      graded(Math.max(0, count(SEQUENCE) - 1), 0.6, 1) +
        (scan.listItems < 2 ? 0 : graded(scan.listItems - 1, 0.6, 1)) +
        graded(Math.max(0, scan.questions - 1), 0.3, 0.5) +
        (codeShape >= 3 || scan.clauses < 3 ? 0 : scan.clauses < 5 ? 0.3 : 0.6),
    ),
    constraints: graded(count(CONSTRAINT), 0.35, 0.7),
    length:
      tokens <= SHORT_TOKENS ? 0 : atMostOne(Math.log(tokens / SHORT_TOKENS) / Math.log(LONG_TOKENS / SHORT_TOKENS)),
    structure: request.responseFormat?.type === "jsonSchema" ? 1 : request.responseFormat?.type === "json" ? 0.5 : 0,
    tools: atMostOne((request.tools?.length ?? 0) / 8),
    turns: atMostOne((userTurns(request) - 1) / 9),
    // whoever greets and then asks for something has asked for something
    plain: count(PLAIN_WORDS) > 0 && count(TASK) === 0 && tokens <= PLAIN_TOKENS ? 1 : 0,
  };
}

/**
 * How hard a question is, from cheap signs and always the same for the same request. The text must have been read by
 * `scan`, whose lexicon knows the words of `SIGNAL_WORDS` under the indexes of `WORD_GROUPS`.
 */
export function complexityOf(
  scan: TextScan,
  request: ChatRequest,
  weights: Readonly<Record<ComplexitySignal, number>>,
): Complexity {
  const strong = strengths(scan, request);
  const contributions = new Float64Array(COMPLEXITY_SIGNALS.length);
  let work = 0;
  for (const [index, signal] of COMPLEXITY_SIGNALS.entries()) {
    const contribution = strong[signal] * weights[signal] * (index === PLAIN ? -1 : 1);
    contributions[index] = contribution;
    if (index !== REASONING && index !== MATHS) work += contribution;
  }
  if (work > WORK_LIMIT) {
    // each part shrinks alike, so that the parts still sum to the score
    for (const index of contributions.keys()) {
      if (index !== REASONING && index !== MATHS)
        contributions[index] = (contributions[index] as number) * (WORK_LIMIT / work);
    }
    work = WORK_LIMIT;
  }
  const score = work + (contributions[REASONING] as number) + (contributions[MATHS] as number);
  return { score: score < 0 ? 0 : atMostOne(score), contributions };
}
