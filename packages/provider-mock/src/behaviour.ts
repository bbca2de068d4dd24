import { didYouMean } from "@signalbox/kernel";
import { FAULTS } from "./faults.ts";

/** What a mock model does, as its name says. */
export interface Behaviour {
  /** Name of a built-in reply or a script; undefined: nothing was said, the caller's default. */
  readonly reply: string | undefined;
  /** Before anything is sent. */
  readonly slowMs: number | undefined;
  /** After the response head, before the first event. */
  readonly lateMs: number | undefined;
  readonly chunkCount: number | undefined;
  /** Between two chunks. */
  readonly gapMs: number | undefined;
  readonly fault: InjectedFault | undefined;
  readonly retryAfterMs: number | undefined;
  /** Bytes per write. Only the server has any. */
  readonly splitBytes: number | undefined;
}

export interface InjectedFault {
  readonly name: string;
  /** Only the first so many calls fail. */
  readonly first: number | undefined;
  /** Only every so many-th call fails. */
  readonly each: number | undefined;
}

/** Replies that every mock has. */
export const BUILT_IN_REPLIES: readonly string[] = ["echo", "fixed", "reasoning", "refusal"];

/** The word that heads each kind, for messages and suggestions. */
const EXAMPLES: readonly string[] = [
  "slow-200ms",
  "late-200ms",
  "chunks-100",
  "chunks-100-every-10ms",
  "retry-after-2s",
  "split-1",
];

const DURATION = /^(\d{1,7})(ms|s)$/;
const CHUNKS = /^chunks-(\d{1,6})(?:-every-(.+))?$/;
const SPLIT = /^split-(\d{1,6})$/;
const FAULT = /^fault-([a-z0-9-]+?)(?:-(first|each)-(\d{1,6}))?$/;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What `parseBehaviour` answers for a name that breaks the grammar. `problem` is a sentence with a suggestion. */
export interface NotABehaviour {
  readonly problem: string;
}

/**
 * Reads a model name:
 *
 * ```text
 * model    = word *( "+" word )                 each kind of word at most once
 * word     = reply | slow | late | chunks | fault | after | split
 * reply    = "echo" | "fixed" | "reasoning" | "refusal" | name of a script
 * slow     = "slow-" duration                   before anything is sent
 * late     = "late-" duration                   after the response head
 * chunks   = "chunks-" count [ "-every-" duration ]
 * fault    = "fault-" name [ "-first-" count | "-each-" count ]
 * after    = "retry-after-" duration
 * split    = "split-" count                     bytes per write, of the server
 * duration = digits ( "ms" | "s" )
 * ```
 */
export function parseBehaviour(model: string, scripts: readonly string[]): Behaviour | NotABehaviour {
  const found: Mutable<Behaviour> = {
    reply: undefined,
    slowMs: undefined,
    lateMs: undefined,
    chunkCount: undefined,
    gapMs: undefined,
    fault: undefined,
    retryAfterMs: undefined,
    splitBytes: undefined,
  };
  const replies = [...BUILT_IN_REPLIES, ...scripts];
  for (const word of model.split("+")) {
    const read = readWord(word, replies);
    if (read === undefined) return unknownWord(model, word, replies);
    for (const [field, value] of Object.entries(read) as [keyof Behaviour, never][]) {
      if (found[field] !== undefined) return { problem: `mock model ${quote(model)} says ${quote(word)} twice over` };
      found[field] = value;
    }
  }
  return found;
}

const HEADS = /^(slow|late|chunks|fault|retry-after|split)-|\+/;

/** Whether a name is meant as a mock model, if a misspelt one: it begins as one of the words, or joins some. */
export function looksLikeBehaviour(model: string): boolean {
  return HEADS.test(model);
}

/** Names that a mock knows, for listings and suggestions: replies first, then an example of every other word. */
export function knownWords(scripts: readonly string[]): readonly string[] {
  return [...BUILT_IN_REPLIES, ...scripts, ...EXAMPLES, ...Object.keys(FAULTS).map((name) => `fault-${name}`)];
}

function readWord(word: string, replies: readonly string[]): Partial<Behaviour> | undefined {
  if (replies.includes(word)) return { reply: word };
  if (word.startsWith("slow-")) return timed("slowMs", word.slice("slow-".length));
  if (word.startsWith("late-")) return timed("lateMs", word.slice("late-".length));
  if (word.startsWith("retry-after-")) return timed("retryAfterMs", word.slice("retry-after-".length));
  const chunks = CHUNKS.exec(word);
  if (chunks !== null) return readChunks(Number(chunks[1]), chunks[2]);
  const split = SPLIT.exec(word);
  if (split !== null) return Number(split[1]) === 0 ? undefined : { splitBytes: Number(split[1]) };
  const fault = FAULT.exec(word);
  if (fault !== null) return readFault(fault[1] ?? "", fault[2], Number(fault[3]));
  return undefined;
}

function readChunks(chunkCount: number, every: string | undefined): Partial<Behaviour> | undefined {
  if (chunkCount === 0) return undefined;
  if (every === undefined) return { chunkCount };
  const gapMs = readDuration(every);
  return gapMs === undefined ? undefined : { chunkCount, gapMs };
}

function readFault(name: string, limit: string | undefined, count: number): Partial<Behaviour> | undefined {
  if (!Object.hasOwn(FAULTS, name) || count === 0) return undefined;
  return {
    fault: { name, first: limit === "first" ? count : undefined, each: limit === "each" ? count : undefined },
  };
}

function timed(field: "slowMs" | "lateMs" | "retryAfterMs", text: string): Partial<Behaviour> | undefined {
  const duration = readDuration(text);
  return duration === undefined ? undefined : { [field]: duration };
}

function readDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (match[2] === "s" ? 1000 : 1);
}

function unknownWord(model: string, word: string, replies: readonly string[]): NotABehaviour {
  const scripts = replies.slice(BUILT_IN_REPLIES.length);
  const where = word === model ? "" : `: it does not know the word ${quote(word)}`;
  return {
    problem: `the mock provider has no model ${quote(model)}${where}.${didYouMean(word, knownWords(scripts))}`,
  };
}

const quote = (text: string): string => JSON.stringify(text);
