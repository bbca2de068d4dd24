import type { Citation } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { stringOf } from "./json-object.ts";
import { ANTHROPIC } from "./names.ts";

/** A citation block of Anthropic's. It cites for its whole text block, so it has no positions there. */
export function citationFrom(raw: JsonObject): Citation {
  const url = stringOf(raw.url);
  const title = stringOf(raw.title) ?? stringOf(raw.document_title);
  const citedText = stringOf(raw.cited_text);
  return {
    type: url !== undefined ? "url" : "document_index" in raw ? "document" : "other",
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(citedText !== undefined && { citedText }),
    extra: { [ANTHROPIC]: raw },
  };
}

export function citationsFrom(raw: unknown): readonly Citation[] | undefined {
  if (!Array.isArray(raw) || raw.length === 0) return undefined;
  return raw.filter(isJsonObject).map(citationFrom);
}

/**
 * The block for a citation that any provider made. Undefined for one that Anthropic's clients have no form for: a
 * document of another vendor's.
 */
export function encodeCitation(citation: Citation): JsonObject | undefined {
  const own = citation.extra?.[ANTHROPIC];
  if (own !== undefined) return own;
  if (citation.url === undefined) return undefined;
  return {
    type: "web_search_result_location",
    url: citation.url,
    title: citation.title ?? null,
    cited_text: citation.citedText ?? "",
    encrypted_index: "",
  };
}
