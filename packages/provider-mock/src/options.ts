import { z } from "zod";
import type { ChatRequest, FinishReason, Part, Usage } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { BUILT_IN_REPLIES, parseBehaviour } from "./behaviour.ts";
import type { Cut } from "./text.ts";
import { repeatWords } from "./text.ts";

/** An answer written beforehand, with everything about it that may be said. */
export interface ScriptedReply {
  readonly content: string | readonly Part[];
  /** The deltas of a streamed answer, if `content` is a text: joined they must be that text. */
  readonly pieces?: readonly string[];
  /** Default: `toolCalls` when there is a tool call, else `stop`. */
  readonly finishReason?: FinishReason;
  /** Default: counted, a token being four bytes. */
  readonly usage?: Usage;
  /** Before the first event. */
  readonly latencyMs?: number;
  /** Between two deltas. */
  readonly gapMs?: number;
}

/** What a scripted model says: words, parts, or a reply with its timing and its faults. */
export type ScriptAnswer = string | readonly Part[] | ScriptedReply;

/** An answer, or a function that makes one; what the function throws is the attempt's failure. */
export type Script = ScriptAnswer | ((request: ChatRequest) => ScriptAnswer);

/** Options of `mock`. */
export interface MockOptions {
  /** Model name → its answer: `{ scripts: { greeter: "Hello!" } }` serves `mock/greeter`. */
  readonly scripts?: Readonly<Record<string, Script>>;
  /** What `mock/fixed` says. */
  readonly fixedText?: string;
  /** Before the first event, where neither model nor script says otherwise. Default 0. */
  readonly latencyMs?: number;
  /** Between two deltas, where neither model nor script says otherwise. Default 0. */
  readonly gapMs?: number;
  /** Length of a delta in UTF-16 code units, where the model does not say otherwise. Default 16. */
  readonly chunkSize?: number;
  /** Numbers per vector when the request names none. Default 256. */
  readonly dimensions?: number;
  /** Inputs with one of these words are flagged by `moderate`. Default `["unsafe"]`. */
  readonly flaggedWords?: readonly string[];
  /** Creation time of every answer, epoch seconds. Fixed, so that equal requests have equal answers. Default: start of 2026. */
  readonly createdAt?: number;
}

/** The options with their defaults. */
export interface MockSettings extends Required<MockOptions> {
  readonly scriptNames: readonly string[];
  readonly cut: Cut;
}

const FIXED_TEXT =
  "This is a fixed answer of the mock provider. It costs nothing, needs no network and is the same every time.";
const START_OF_2026 = 1_767_225_600;

const schema = z.strictObject({
  scripts: z.record(z.string(), z.unknown()).exactOptional(),
  fixedText: z.string().min(1).exactOptional(),
  latencyMs: z.int().nonnegative().exactOptional(),
  gapMs: z.int().nonnegative().exactOptional(),
  chunkSize: z.int().positive().exactOptional(),
  dimensions: z.int().positive().max(16_384).exactOptional(),
  flaggedWords: z.array(z.string().min(1)).exactOptional(),
  createdAt: z.int().nonnegative().exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option */
export function mockSettings(options: MockOptions): MockSettings {
  const checked = schema.safeParse(options);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw invalid(`mock(${issue?.path.join(".") ?? ""}): ${issue?.message ?? "invalid options"}`, checked.error);
  }
  const scripts = options.scripts ?? {};
  const scriptNames = Object.keys(scripts);
  for (const name of scriptNames) {
    if (BUILT_IN_REPLIES.includes(name)) throw invalid(`mock(scripts): ${JSON.stringify(name)} is a built-in reply`);
    if (name.includes("+") || name === "") throw invalid(`mock(scripts): ${JSON.stringify(name)} is not a model name`);
    if (!("problem" in parseBehaviour(name, []))) {
      throw invalid(`mock(scripts): ${JSON.stringify(name)} already has a meaning as a model name`);
    }
  }
  const chunkSize = options.chunkSize ?? 16;
  return {
    scripts,
    scriptNames,
    fixedText: options.fixedText ?? FIXED_TEXT,
    latencyMs: options.latencyMs ?? 0,
    gapMs: options.gapMs ?? 0,
    chunkSize,
    dimensions: options.dimensions ?? 256,
    flaggedWords: options.flaggedWords ?? ["unsafe"],
    createdAt: options.createdAt ?? START_OF_2026,
    cut: { size: chunkSize },
  };
}

/** The fixed text, made as long as so many chunks need, and its pieces. */
export function fixedChunks(settings: MockSettings, count: number): readonly string[] {
  return repeatWords(settings.fixedText, count);
}

function invalid(message: string, cause?: unknown): GatewayError {
  return new GatewayError("option_invalid", message, { source: "mock", cause });
}
