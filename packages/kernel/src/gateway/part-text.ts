import type { PartDelta } from "../chat/event.ts";
import type { Part } from "../chat/part.ts";
import type { TextWindow } from "../guardrail.ts";

// The text of a part that guardrails look at.

export function kindOf(part: Part): TextWindow["kind"] | undefined {
  switch (part.type) {
    case "text":
    case "reasoning":
    case "refusal":
      return part.type;
    case "toolCall":
      return "arguments";
    default:
      return undefined;
  }
}

export function toolOf(part: Part): string | undefined {
  return part.type === "toolCall" ? part.name : undefined;
}

export function textField(part: Part): string {
  return part.type === "toolCall" ? part.arguments : (part as { text: string }).text;
}

export function withText(part: Part, text: string): Part {
  return part.type === "toolCall" ? { ...part, arguments: text } : ({ ...part, text } as Part);
}

export function textOfDelta(delta: PartDelta): string | undefined {
  switch (delta.type) {
    case "text":
    case "reasoning":
    case "refusal":
    case "arguments":
      return delta.text;
    default:
      return undefined;
  }
}
