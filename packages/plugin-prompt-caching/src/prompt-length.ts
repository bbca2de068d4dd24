import type { Part, Tool } from "@signalbox/kernel";

const BYTES_PER_TOKEN = 3;
/** What vendors count for the largest picture they look at. */
const TOKENS_PER_IMAGE = 1_600;
/** Of a document whose bytes are not here nothing is known. */
const TOKENS_PER_REFERENCE = 4_096;
const ENCODED_PER_TOKEN = 16;

/**
 * Whether a beginning of a prompt is long enough to be cached. It rather counts too many tokens: a breakpoint too early has
 * no effect, one that is missing costs. Counts no further than it must.
 */
export class PromptLength {
  #missing: number;

  constructor(minTokens: number) {
    this.#missing = minTokens;
  }

  get enough(): boolean {
    return this.#missing <= 0;
  }

  tool(tool: Tool): void {
    if (!this.enough) this.#text(JSON.stringify(tool));
  }

  part(part: Part): void {
    if (this.enough) return;
    switch (part.type) {
      case "text":
      case "refusal":
        this.#text(part.text);
        return;
      case "reasoning":
        this.#text(part.text);
        this.#missing -= (part.encrypted?.length ?? 0) / ENCODED_PER_TOKEN;
        return;
      case "toolCall":
        this.#text(part.name);
        this.#text(part.arguments);
        return;
      case "toolResult":
        for (const each of part.content) this.part(each);
        return;
      case "image":
        this.#missing -= TOKENS_PER_IMAGE;
        return;
      case "audio":
      case "document":
        if (part.source.type === "text") this.#text(part.source.text);
        else if (part.source.type === "data") this.#missing -= part.source.data.length / ENCODED_PER_TOKEN;
        else this.#missing -= TOKENS_PER_REFERENCE;
        return;
      case "serverTool":
      case "opaque":
        this.#text(JSON.stringify(part.value));
    }
  }

  #text(text: string): void {
    this.#missing -= Buffer.byteLength(text) / BYTES_PER_TOKEN;
  }
}
