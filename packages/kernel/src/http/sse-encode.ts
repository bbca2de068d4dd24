/** The frame that ends an OpenAI stream. */
export const SSE_DONE: string = "data: [DONE]\n\n";

/** A comment that keeps an idle connection open; parsers ignore it. */
export const SSE_HEARTBEAT: string = ": heartbeat\n\n";

/** One unnamed event. `json` is serialised JSON: it has no line breaks, so it needs no splitting. */
export function sseData(json: string): string {
  return `data: ${json}\n\n`;
}

/** One named event, as the Anthropic and Responses dialects use. The name is the dialect's own constant. */
export function sseEvent(name: string, json: string): string {
  return `event: ${name}\ndata: ${json}\n\n`;
}
