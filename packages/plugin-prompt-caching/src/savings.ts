import type { Attempt, ChatResult, Pricing } from "@signalbox/kernel";
import { formatUsd } from "@signalbox/kernel";

/** Tells the client, and the trace, what the provider's cache has held of the prompt, and what that saved. */
export function tellSavings(attempt: Attempt<"chat">, result: ChatResult, pricing: Pricing | undefined): void {
  const { cacheReadTokens: read = 0, cacheWriteTokens = 0, cacheWrite1hTokens = 0 } = result.usage ?? {};
  const written = cacheWriteTokens + cacheWrite1hTokens;
  if (read <= 0 && written <= 0) return;
  const { deployment, request, trace } = attempt;
  const cost = pricing?.cost({ deployment, operation: "chat", request, result }, result.usage);
  const saved = cost?.cacheSavings === undefined ? undefined : formatUsd(cost.cacheSavings);
  const money = saved === undefined ? "" : `; ${saved} US dollars saved`;
  trace.note("prompt-cache", `${read} tokens read, ${written} written${money}`);
  trace.header("x-signalbox-prompt-cache-read-tokens", String(read));
  if (saved !== undefined) trace.header("x-signalbox-prompt-cache-saved", saved);
}
