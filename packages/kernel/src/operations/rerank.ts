import type { Extra } from "../chat/part.ts";
import type { NativeResult } from "../native.ts";
import type { Usage } from "../usage.ts";

/** Documents to put in the order in which they answer a query. */
export interface RerankRequest {
  readonly model: string;
  readonly query: string;
  readonly documents: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly topCount?: number;
  readonly maxTokensPerDocument?: number;
  readonly returnDocuments?: boolean;
  readonly extra?: Extra;
}

/** The documents' order. */
export interface RerankResult {
  readonly id: string;
  readonly model: string;
  /** Most relevant first; `index` is the document's place in the request. */
  readonly results: readonly {
    readonly index: number;
    readonly relevanceScore: number;
    readonly document?: string | Readonly<Record<string, unknown>>;
  }[];
  readonly usage: Usage;
  /** Billed units where a provider counts searches, not tokens. */
  readonly searchUnits?: number;
  readonly extra?: Extra;
  readonly native?: NativeResult;
}
