import type { Extra } from "../chat/part.ts";
import type { NativeFrame, NativeResult } from "../native.ts";
import type { Usage } from "../usage.ts";

/** A text to say aloud. */
export interface SpeakRequest {
  readonly model: string;
  readonly text: string;
  readonly voice: unknown;
  /** `mp3`, `opus`, `wav`, `pcm`, … */
  readonly format?: string;
  readonly instructions?: string;
  readonly speed?: number;
  readonly stream?: boolean;
  readonly extra?: Extra;
}

/** A piece of the audio, in order. */
export type SpeakEvent = { readonly type: "audioDelta"; readonly data: Buffer } | NativeFrame;

/** What a spoken text has become. */
export interface SpeakResult {
  readonly mediaType: string;
  /** Empty when the sound went out as events. */
  readonly audio: Buffer;
  readonly usage: Usage;
  readonly native?: NativeResult;
}

/** A recording to write down in its own language. */
export interface TranscribeRequest {
  readonly model: string;
  readonly audio: { readonly fileName: string; readonly mediaType: string; readonly data: Buffer };
  /** ISO 639-1. */
  readonly language?: string;
  readonly prompt?: string;
  readonly temperature?: number;
  readonly format?: string;
  readonly timestamps?: readonly ("word" | "segment")[];
  readonly stream?: boolean;
  readonly extra?: Extra;
}

/** Speech in any language to English text; no `language`. */
export type TranslateRequest = Omit<TranscribeRequest, "language" | "timestamps">;

/** A piece of the transcript, in order. */
export type TranscribeEvent = { readonly type: "textDelta"; readonly text: string } | NativeFrame;

/** What was said, with times where they were asked for. */
export interface TranscribeResult {
  readonly text: string;
  readonly language?: string;
  readonly durationSeconds?: number;
  readonly segments?: readonly Readonly<Record<string, unknown>>[];
  readonly words?: readonly Readonly<Record<string, unknown>>[];
  readonly usage: Usage;
  readonly extra?: Extra;
  readonly native?: NativeResult;
}
