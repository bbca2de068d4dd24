import type { Entry } from "@signalbox/kernel";

/** An entry of 10 nano-dollars. */
export function entry(change: Partial<Entry> & { readonly id: string }): Entry {
  const billed = change.billed ?? 10n;
  return {
    callId: change.id.split("/")[0] as string,
    attempt: 1,
    operation: "chat",
    model: "small",
    deployment: "small-1",
    provider: "mock",
    scopes: [],
    usage: { inputTokens: 1, outputTokens: 2 },
    cost: billed,
    billed,
    status: "final",
    startedAt: 1_795_000_000_000,
    endedAt: 1_795_000_000_500,
    ...change,
  };
}
