import type { ChatRequest, Guardrail, Part } from "@signalbox/kernel";
import { ALLOW } from "@signalbox/kernel";

/** What stands in the place of an address. */
const MASK = "[e-mail]";

// All lengths are bounded, so that a stream is never held back further than one address. An address does not begin in
// the middle of a JSON escape: in the arguments "\nme@example.com" of a tool call, the n is none of its letters.
const LOCAL = "(?<!\\\\(?:u[0-9a-fA-F]{0,3})?)[A-Za-z0-9._%+-]{1,64}";
const LABEL = "[A-Za-z0-9-]{1,63}";
const ADDRESS = `${LOCAL}@${LABEL}(?:\\.${LABEL}){1,4}`;
/** The end of a text that may yet become an address, or a longer one. */
const UNFINISHED = `${LOCAL}(?:@(?:${LABEL}(?:\\.${LABEL}){0,4})?\\.?)?$`;
/** How far an address looks back: `\u00e`. */
const LOOK_BACK = 5;

const WHOLE: RegExp = new RegExp(ADDRESS, "g");
const STREAM: RegExp = new RegExp(`${UNFINISHED}|${ADDRESS}`, "g");

/**
 * Masks e-mail addresses in what goes to the model and in what comes back, reasoning and tool arguments included.
 * The same text gives the same answer, however a stream was cut.
 */
export function maskEmails(): Guardrail {
  return {
    name: "mask-emails",

    checkRequest(call) {
      if (call.operation !== "chat") return ALLOW;
      const request = call.request as ChatRequest;
      let changed = false;
      const messages = request.messages.map((message) => {
        const content = message.content.map(maskPart);
        const same = content.every((part, index) => part === message.content[index]);
        changed ||= !same;
        return same ? message : { ...message, content };
      });
      if (!changed) return ALLOW;
      return { action: "rewrite", value: { ...request, messages } as typeof call.request, reason: "e-mail addresses" };
    },

    checkWindow(_call, { text, before, final }) {
      const seen = before.slice(-LOOK_BACK) + text;
      const start = seen.length - text.length;
      let [released, consumed] = ["", start];
      const pattern = new RegExp(final ? WHOLE : STREAM);
      pattern.lastIndex = start;
      for (const match of seen.matchAll(pattern)) {
        const end = match.index + match[0].length;
        released += seen.slice(consumed, match.index);
        // What reaches the end may go on in the next piece of the stream: wait for it.
        if (end === seen.length && !final) return { action: "release", consume: match.index - start, text: released };
        released += MASK;
        consumed = end;
      }
      return { action: "release", consume: text.length, text: released + seen.slice(consumed) };
    },
  };
}

/** The same part when there is nothing to mask. */
function maskPart(part: Part): Part {
  if (part.type === "text") {
    const text = part.text.replace(WHOLE, MASK);
    return text === part.text ? part : { ...part, text };
  }
  if (part.type === "toolCall") {
    const text = part.arguments.replace(WHOLE, MASK);
    return text === part.arguments ? part : { ...part, arguments: text };
  }
  if (part.type === "toolResult") {
    const content = part.content.map(maskPart);
    return content.every((one, index) => one === part.content[index]) ? part : { ...part, content };
  }
  return part;
}
