import type {
  BudgetLine,
  Entry,
  LineBalance,
  NanoUsd,
  ReapedReservation,
  ReservationAnswer,
  ReservationRequest,
  ReservationStore,
  Settlement,
} from "@signalbox/kernel";
import { lineKey, MemoryReservations } from "@signalbox/kernel/ledger";

/** What was written before this process began. */
export interface WrittenEntries {
  /** What entries have posted on a line. */
  posted(line: Pick<BudgetLine, "scope" | "period">): NanoUsd;
  find(id: string): Entry | undefined;
}

type LineSettlement = Settlement & { readonly lines: readonly BudgetLine[] };

/**
 * Counters in the memory of the one process that has the file, rebuilt from the sums of its entries: each line when it is
 * first seen. Nothing is awaited between reading and writing.
 */
export class EmbeddedReservations implements ReservationStore {
  readonly ownProcess = true;
  readonly #written: WrittenEntries;
  readonly #counters: MemoryReservations = new MemoryReservations();
  readonly #seen = new Set<string>();
  /** Lists that never change, whose lines have all been seen. */
  readonly #seenLists = new WeakSet<readonly BudgetLine[]>();
  /** Until the first reservation, what is settled is a replay: its entry may stand in the file already. These are done. */
  #replayed: Set<string> | undefined = new Set();

  constructor(written: WrittenEntries) {
    this.#written = written;
  }

  reserve(request: ReservationRequest, leaseMs: number): Promise<ReservationAnswer> {
    this.#replayed = undefined;
    this.#see(request.lines);
    return this.#counters.reserve(request, leaseMs);
  }

  async settle(settlements: readonly LineSettlement[]): Promise<void> {
    for (const settlement of settlements) {
      this.#see(settlement.lines);
      if (this.#replayed?.has(settlement.id) === false) {
        this.#replayed.add(settlement.id);
        await this.#recall(settlement);
      }
    }
    await this.#counters.settle(settlements);
  }

  renew(ids: readonly string[], leaseMs: number): Promise<void> {
    return this.#counters.renew(ids, leaseMs);
  }

  reap(): Promise<readonly ReapedReservation[]> {
    return this.#counters.reap();
  }

  balance(line: BudgetLine): Promise<LineBalance> {
    this.#see([line]);
    return this.#counters.balance(line);
  }

  correct(line: BudgetLine, expected: NanoUsd, difference: NanoUsd): Promise<boolean> {
    this.#see([line]);
    return this.#counters.correct(line, expected, difference);
  }

  close(): Promise<void> {
    return this.#counters.close();
  }

  #see(lines: readonly BudgetLine[]): void {
    if (this.#seenLists.has(lines)) return;
    for (const line of lines) {
      const key = lineKey(line);
      if (this.#seen.has(key)) continue;
      const posted = this.#written.posted(line);
      this.#seen.add(key);
      if (posted !== 0n) void this.#counters.correct(line, 0n, posted);
    }
    if (Object.isFrozen(lines)) this.#seenLists.add(lines);
  }

  /** An entry in the file is in the sums already: its settlement is remembered, so that only a difference is posted. */
  async #recall({ id, lines }: LineSettlement): Promise<void> {
    const entry = this.#written.find(id);
    if (entry === undefined) return;
    const counted = new Set(entry.lines?.map((line) => lineKey({ ...line, limit: null })));
    for (const line of lines) {
      if (!counted.has(lineKey(line))) continue;
      const { posted } = await this.#counters.balance(line);
      await this.#counters.correct(line, posted, -entry.billed);
    }
    const status = entry.status === "estimated" || entry.status === "counted" ? entry.status : "final";
    await this.#counters.settle([
      { id, actual: entry.billed, status, lines: lines.filter((line) => counted.has(lineKey(line))) },
    ]);
  }
}
