import type { EmbedRequest, EmbedResult } from "../operations/embed.ts";
import { NO_USAGE } from "../usage.ts";
import type { Recording } from "./cache.ts";

/** Places of the inputs whose vectors were not found. */
export function missingInputs(found: readonly (Recording<"embed"> | undefined)[]): readonly number[] {
  return found.flatMap((recording, at) => (recording === undefined ? [at] : []));
}

/** One result for each input. What the inputs have cost together is no single one's. */
export function vectorRecordings({ usage: _, native: __, embeddings, ...rest }: EmbedResult): readonly EmbedResult[] {
  return embeddings.map((embedding) => ({ ...rest, embeddings: [embedding], usage: NO_USAGE }));
}

/** Vectors in the order of the inputs. The usage is that of the inputs that were asked for now. */
export function mergeVectors(
  { model, inputs }: EmbedRequest,
  found: readonly (Recording<"embed"> | undefined)[],
  asked: EmbedResult | undefined,
): EmbedResult {
  let next = 0;
  const embeddings = inputs.map((_, at) => found[at]?.result.embeddings[0] ?? asked?.embeddings[next++] ?? []);
  const first = asked ?? found.find((recording) => recording !== undefined)?.result;
  return {
    model: first?.model ?? model,
    embeddings,
    usage: asked?.usage ?? NO_USAGE,
    ...(first?.extra !== undefined && { extra: first.extra }),
  };
}
