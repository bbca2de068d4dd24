import type { BudgetLine, Entry, EntryStatus, ReservationRequest, Settlement } from "../ledger.ts";
import type { LineSettlement } from "../ledger-stores.ts";
import type { NanoUsd } from "../money.ts";
import type { SpoolRecord } from "./spool-records.ts";

/** What a process that is gone has left of one attempt. */
interface Left {
  request?: ReservationRequest;
  at: number;
  sent: boolean;
  settlement?: Settlement;
  entry?: Entry;
}

/** What is still to be done for a process that is gone. */
export interface Recovery {
  readonly settlements: readonly LineSettlement[];
  readonly entries: readonly Entry[];
}

/**
 * Tells how the attempts end that a spool is about. Never sent: 0. Sent, and nothing known of its end: the estimate,
 * which a later settlement corrects. Everything has an entry, also what was never sent: an empty one.
 */
export function foldRecords(records: Iterable<SpoolRecord>): Recovery {
  const settlements: LineSettlement[] = [];
  const entries: Entry[] = [];
  for (const [id, left] of gather(records)) {
    const { request, entry } = left;
    const lines = request?.lines ?? withLimits(entry?.lines ?? []);
    const settlement = endOf(id, left);
    if (settlement !== undefined) settlements.push({ ...settlement, lines });
    if (entry !== undefined)
      entries.push(entry.lines === undefined && lines.length > 0 ? { ...entry, lines: lines.map(lineOf) } : entry);
    else if (request !== undefined && settlement !== undefined) {
      // never sent: somebody may have booked it at its estimate meanwhile, which an empty entry corrects
      const free = !left.sent && settlement.actual === 0n && settlement.status === "final";
      entries.push(outlinedEntry(request, left.at, free ? { actual: 0n, status: "void" } : settlement));
    }
  }
  return { settlements, entries };
}

function gather(records: Iterable<SpoolRecord>): ReadonlyMap<string, Left> {
  const attempts = new Map<string, Left>();
  const of = (id: string): Left => {
    const known = attempts.get(id);
    if (known !== undefined) return known;
    const left: Left = { at: 0, sent: false };
    attempts.set(id, left);
    return left;
  };
  for (const record of records) {
    switch (record.kind) {
      case "R":
      case "P": {
        const left = of(record.request.id);
        left.request ??= record.request;
        left.at ||= record.at;
        left.sent ||= record.kind === "P";
        break;
      }
      case "N":
        attempts.delete(record.id);
        break;
      case "D":
        of(record.id).sent = true;
        break;
      case "S": {
        const left = of(record.settlement.id);
        if (left.settlement === undefined || corrects(left.settlement, record.settlement)) {
          left.settlement = record.settlement;
        }
        break;
      }
      case "E": {
        const left = of(record.entry.id);
        if (left.entry === undefined || corrects(left.entry, record.entry)) left.entry = record.entry;
        break;
      }
    }
  }
  return attempts;
}

/** Whether what is known may take the place of what was known before: only of a guess. */
function corrects(before: Pick<Entry, "status">, after: Pick<Entry, "status">): boolean {
  const guessed = before.status === "estimated" || before.status === "counted";
  return guessed && (after.status === "final" || after.status === "void");
}

function endOf(id: string, { request, sent, settlement, entry }: Left): Settlement | undefined {
  if (settlement !== undefined) return settlement;
  if (request === undefined) return undefined;
  if (entry !== undefined) return settlementOf(entry);
  return sent ? { id, actual: request.estimate, status: "estimated" } : { id, actual: 0n, status: "final" };
}

/** What an entry says of its attempt's end. */
export function settlementOf({ id, billed, status, lines }: Entry): LineSettlement {
  return { id, actual: billed, status: status === "void" ? "final" : status, lines: withLimits(lines ?? []) };
}

/** An entry of an attempt whose process could not write one. */
export function outlinedEntry(
  request: ReservationRequest,
  at: number,
  { actual, status }: { readonly actual: NanoUsd; readonly status: EntryStatus },
): Entry {
  const { id, lines, about } = request;
  const slash = id.lastIndexOf("/");
  const attempt = Number(id.slice(slash + 1));
  const scopes = new Map(lines.map(({ scope }) => [JSON.stringify(scope), scope]));
  return {
    id,
    callId: slash < 0 ? id : id.slice(0, slash),
    attempt: slash >= 0 && Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 1,
    operation: "unknown",
    model: "unknown",
    deployment: "unknown",
    provider: "unknown",
    scopes: [...scopes.values()],
    startedAt: at,
    ...about,
    lines: lines.map(lineOf),
    usage: { inputTokens: 0, outputTokens: 0 },
    cost: actual,
    billed: actual,
    status,
    endedAt: Math.max(at, about?.startedAt ?? at),
  };
}

/** What an entry says of a line. */
export function lineOf({ scope, period }: Pick<BudgetLine, "scope" | "period">): Pick<BudgetLine, "scope" | "period"> {
  return { scope, period };
}

function withLimits(lines: NonNullable<Entry["lines"]>): readonly BudgetLine[] {
  return lines.map((line) => ({ ...line, limit: null }));
}
