import type { RerankRequest, RerankResult } from "@signalbox/kernel";
import { embedding } from "./embed.ts";
import { countTokens } from "./text.ts";

/** Scores are the cosine of the texts' mock embeddings, cut at 0: documents that share words with the query come first. */
export function rerank(request: RerankRequest, id: string, model: string, dimensions: number): RerankResult {
  const query = embedding(request.query, dimensions);
  const texts = request.documents.map((document) =>
    typeof document === "string" ? document : JSON.stringify(document.text ?? document),
  );
  const results = texts.map((text, index) => {
    const vector = embedding(text, dimensions);
    const cosine = query.reduce((sum, number, at) => sum + number * (vector[at] ?? 0), 0);
    const document = request.documents[index];
    return {
      index,
      relevanceScore: Math.max(0, cosine),
      ...(request.returnDocuments === true && document !== undefined && { document }),
    };
  });
  results.sort((one, other) => other.relevanceScore - one.relevanceScore);
  const tokens = texts.reduce((sum, text) => sum + countTokens(text), countTokens(request.query));
  return {
    id,
    model,
    results: results.slice(0, request.topCount ?? results.length),
    usage: { inputTokens: tokens, outputTokens: 0 },
    searchUnits: 1,
  };
}
