import type { Extra, Part } from "../chat/part.ts";
import type { NativeResult } from "../native.ts";
import type { Usage } from "../usage.ts";

/** Texts and pictures to judge. */
export interface ModerateRequest {
  readonly model: string;
  /** Each input is judged by itself. */
  readonly inputs: readonly (readonly Part[])[];
  readonly extra?: Extra;
}

/** A judgement for each input, in input order. */
export interface ModerateResult {
  readonly id: string;
  readonly model: string;
  readonly results: readonly {
    readonly flagged: boolean;
    readonly categories: Readonly<Record<string, boolean>>;
    /** 0 to 1. */
    readonly scores: Readonly<Record<string, number>>;
    readonly extra?: Extra;
  }[];
  readonly usage: Usage;
  readonly native?: NativeResult;
}
