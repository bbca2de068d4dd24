import type { Entry, ReservationRequest, Settlement, SpendQuery } from "../ledger.ts";
import type { LineSettlement } from "../ledger-stores.ts";
import type { NanoUsd } from "../money.ts";
import { lineOf } from "./fold-records.ts";
import { scopeKey } from "./line-key.ts";
import type { Segment } from "./spool.ts";

/** An attempt whose settlement or entry is not written yet. */
export interface OpenAttempt {
  readonly request: ReservationRequest;
  /** Epoch milliseconds. */
  readonly at: number;
  /** What the spool keeps of it until all is written. */
  readonly pins: Segment[];
  sent: boolean;
  /** Another process has booked it at 0 before it was sent. */
  ended: boolean;
  /** Its entry, when that is in the spool. */
  told: Entry | undefined;
  settlement: Settlement | undefined;
  /** `performance.now()`; undefined until the settlement is written. */
  settledAt: number | undefined;
  entry: "none" | "waiting" | "written";
  /** What its entry has posted; undefined until that is written. */
  written: NanoUsd | undefined;
}

/** What one process has under way: from the question for a reservation until settlement and entry are written. */
export class OpenAttempts {
  readonly #attempts = new Map<string, OpenAttempt>();

  get size(): number {
    return this.#attempts.size;
  }

  has(id: string): boolean {
    return this.#attempts.has(id);
  }

  get(id: string): OpenAttempt | undefined {
    return this.#attempts.get(id);
  }

  values(): Iterable<OpenAttempt> {
    return this.#attempts.values();
  }

  add(attempt: OpenAttempt): void {
    this.#attempts.set(attempt.request.id, attempt);
  }

  delete(attempt: OpenAttempt): void {
    const { id } = attempt.request;
    if (this.#attempts.get(id) === attempt) this.#attempts.delete(id);
  }

  /** Not settled: what is to be renewed. */
  running(): readonly ReservationRequest[] {
    return [...this.#attempts.values()]
      .filter(({ settledAt }) => settledAt === undefined)
      .map(({ request }) => request);
  }

  /** What nobody has given an end yet. */
  held(): readonly ReservationRequest[] {
    return [...this.#attempts.values()]
      .filter(({ settlement }) => settlement === undefined)
      .map(({ request }) => request);
  }

  /** What has an end that no entry tells yet. */
  unwritten(): readonly LineSettlement[] {
    const found: LineSettlement[] = [];
    for (const { request, settlement, written } of this.#attempts.values()) {
      if (settlement !== undefined && written === undefined) found.push({ ...settlement, lines: request.lines });
    }
    return found;
  }

  /** Counters that have forgotten an id are told what its entry has posted. */
  recalled(settlements: readonly LineSettlement[]): readonly LineSettlement[] {
    return settlements.map((settlement) => {
      const written = this.#attempts.get(settlement.id)?.written;
      return written === undefined ? settlement : { ...settlement, written };
    });
  }

  /** Reserved under the lines that a query is about. */
  pending({ scope, period }: SpendQuery): NanoUsd {
    const wanted = scope === undefined ? undefined : scopeKey(scope);
    let pending = 0n;
    for (const { request, settledAt } of this.#attempts.values()) {
      if (settledAt !== undefined) continue;
      for (const line of request.lines) {
        if (wanted !== undefined && scopeKey(line.scope) !== wanted) continue;
        if (period === undefined || line.period === period) pending += request.estimate;
      }
    }
    return pending;
  }
}

/** An attempt about which nothing is known but what it asks for. */
export function openAttempt(request: ReservationRequest, at: number): OpenAttempt {
  return {
    request,
    at,
    pins: [],
    sent: false,
    ended: false,
    told: undefined,
    settlement: undefined,
    settledAt: undefined,
    entry: "none",
    written: undefined,
  };
}

/** What counters are rebuilt from is filled in. */
export function withLines(entry: Entry, open: OpenAttempt | undefined): Entry {
  if (entry.lines !== undefined || open === undefined || open.request.lines.length === 0) return entry;
  return { ...entry, lines: open.request.lines.map(lineOf) };
}
