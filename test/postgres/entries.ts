import type { Entry, Scope } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";

export const TEAM: Scope = { kind: "team", id: "red" };

const ids = new IdSource();

/** An entry of 7 nano-dollars on the line of a team, with an id of its own. */
export function newEntry(change: Partial<Entry> = {}): Entry {
  const now = Date.now();
  const callId = ids.next(now);
  return {
    id: `${callId}/1`,
    callId,
    attempt: 1,
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: [TEAM],
    lines: [{ scope: TEAM, period: "all" }],
    usage: { inputTokens: 10, outputTokens: 5 },
    cost: 7n,
    billed: 7n,
    status: "final",
    startedAt: now,
    endedAt: now,
    ...change,
  };
}
