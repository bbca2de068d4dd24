import type { ReasoningPart } from "@signalbox/kernel";

const PREFIX = "signalbox.";

/**
 * Reasoning of another vendor in the form of Anthropic's: what only its vendor can read travels in the place of the
 * signature, which clients send back unchanged.
 */
export function sealReasoning(part: ReasoningPart): string {
  const { origin, signature, encrypted, id, summary } = part;
  return PREFIX + Buffer.from(JSON.stringify({ origin, signature, encrypted, id, summary })).toString("base64url");
}

/** The vendor's own fields; undefined for a signature of Anthropic's, or one that is damaged. */
export function unsealReasoning(signature: string): Omit<ReasoningPart, "type" | "text"> | undefined {
  if (!signature.startsWith(PREFIX)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(signature.slice(PREFIX.length), "base64url").toString());
  } catch {
    // a client changed it: then it is reasoning of an unknown origin, which goes to no vendor
    return {};
  }
  if (typeof value !== "object" || value === null) return {};
  const { origin, signature: own, encrypted, id, summary } = value as Record<string, unknown>;
  return {
    ...(typeof origin === "string" && { origin }),
    ...(typeof own === "string" && { signature: own }),
    ...(typeof encrypted === "string" && { encrypted }),
    ...(typeof id === "string" && { id }),
    ...(summary === true && { summary }),
  };
}
