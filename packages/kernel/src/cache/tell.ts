import type { Call } from "../call.ts";
import type { CacheRecord, ServedBy } from "../trace.ts";

/** Says what the cache did: in the trace for people and for plugins, and to the client. */
export function tell(
  { trace }: Pick<Call, "trace">,
  outcome: CacheRecord["outcome"],
  reason?: string,
  servedBy?: ServedBy,
): void {
  trace.cached = {
    outcome,
    ...(reason !== undefined && { reason }),
    ...(servedBy !== undefined && { servedBy }),
  };
  trace.note("cache", reason === undefined ? outcome : `${outcome}: ${reason}`);
  trace.header("x-signalbox-cache", outcome);
  if (reason !== undefined) trace.header("x-signalbox-cache-reason", reason);
}
