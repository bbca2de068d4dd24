import type {
  Entry,
  Ledger,
  ReservationAnswer,
  ReservationRequest,
  Settlement,
  Spend,
  SpendQuery,
} from "@signalbox/kernel";
import { MemoryEntries, MemoryReservations } from "@signalbox/kernel/ledger";

/** What operators are to know of a gateway without a ledger. */
export const SPEND_IN_MEMORY =
  "spend is kept in memory only: it is lost at a restart, and other processes do not count it; add a ledger plugin";

/** Nobody else knows of these reservations: they never expire. */
const NO_LEASE_MS: number = Number.POSITIVE_INFINITY;

/** The ledger of a gateway that was given none: exact within one process, and gone with it. */
export class MemorySpend implements Ledger {
  readonly #reservations: MemoryReservations = new MemoryReservations();
  readonly #entries: MemoryEntries = new MemoryEntries();

  reserve(request: ReservationRequest): Promise<ReservationAnswer> {
    return this.#reservations.reserve(request, NO_LEASE_MS);
  }

  async settle(settlement: Settlement): Promise<void> {
    await this.#reservations.settle([{ ...settlement, lines: [] }]);
  }

  async void(id: string): Promise<void> {
    await this.#reservations.settle([{ id, actual: 0n, status: "final", lines: [] }]);
  }

  async append(entry: Entry): Promise<void> {
    await this.#entries.append([entry]);
  }

  spent(query: SpendQuery): Promise<Spend> {
    return this.#entries.spent(query);
  }

  async close(): Promise<void> {
    await this.#reservations.close();
    await this.#entries.close();
  }
}
