import type { Extra, MediaSource } from "../chat/part.ts";
import type { NativeFrame, NativeResult } from "../native.ts";
import type { Usage } from "../usage.ts";

/** A description to paint. */
export interface GenerateImageRequest {
  readonly model: string;
  readonly prompt: string;
  readonly stream?: boolean;
  readonly count?: number;
  /** `1024x1024`, `auto`, … */
  readonly size?: string;
  readonly quality?: string;
  readonly background?: string;
  readonly outputFormat?: string;
  readonly partialImages?: number;
  readonly user?: string;
  readonly extra?: Extra;
}

/** Pictures to change as the prompt says; where the mask is transparent, if there is one. */
export interface EditImageRequest extends GenerateImageRequest {
  readonly images: readonly MediaSource[];
  readonly mask?: MediaSource;
}

/** A picture on its way, or a finished one. */
export type ImageEvent =
  | { readonly type: "imagePartial"; readonly index: number; readonly image: MediaSource }
  | { readonly type: "imageEnd"; readonly index: number; readonly image: MediaSource }
  | NativeFrame;

/** The finished pictures. */
export interface ImageResult {
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly images: readonly { readonly image: MediaSource; readonly revisedPrompt?: string }[];
  readonly usage: Usage;
  readonly extra?: Extra;
  readonly native?: NativeResult;
}
