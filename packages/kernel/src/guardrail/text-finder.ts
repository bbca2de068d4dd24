import type { Call } from "../call.ts";
import type { TextWindow } from "../guardrail.ts";

/** A piece of a text that is of interest. Positions in UTF-16 code units. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  /** What it is: `email`, `card`, … In masks and in the category of blocks. */
  readonly kind: string;
  /** 0 to 1, how sure the finder is. Default 1. */
  readonly confidence?: number;
  /** What a refusal says, for the client. Default: that the text contains this kind. */
  readonly reason?: string;
  /** What a mask puts in its place, where the finder knows better than `mask`. */
  readonly replacement?: string;
}

/** Where a text stands that is looked through. */
export interface FindContext {
  readonly call: Call;
  readonly mode: "input" | "output";
  readonly kind: TextWindow["kind"];
  /** Findings that begin here or behind are not asked for: more text comes. Undefined: all are. */
  readonly upTo?: number;
}

/** A text of a request, and where it stands. */
export interface FoundIn {
  readonly text: string;
  readonly context: FindContext;
}

/**
 * Finds pieces of a text. What a finder says about a place may depend on the text behind it, back to 256 characters; on
 * that before it only as far as `settled` tells. So a stream that is looked through in windows gives what the whole gives.
 */
export interface TextFinder {
  /** All findings that begin at `from` or behind it, in order and without overlaps. Text in front of `from` is context. */
  find(text: string, from: number, context: FindContext): readonly Finding[] | Promise<readonly Finding[]>;
  /**
   * The findings of each text of a request, for finders that ask somebody. Default: `find` for one after the other. A list
   * more than there are texts is of the request as a whole.
   */
  findAll?(texts: readonly FoundIn[], call: Call): Promise<readonly (readonly Finding[])[]>;
  /**
   * The place up to which no finding can still begin or change, whatever follows the text; at least `from`. Without it,
   * nothing is settled before the end, and streams are held back.
   */
  settled?(text: string, from: number): number;
}
