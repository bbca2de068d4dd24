import type { Entry, Settlement } from "../ledger.ts";
import type { KeptSpool } from "./kept-spool.ts";
import type { OpenAttempt } from "./open-attempts.ts";
import { overloaded } from "./overloaded.ts";
import type { SpoolRecord } from "./spool-records.ts";

/**
 * What a spool keeps of attempts until all of them is written. The records of one turn of the event loop are written
 * together.
 */
export class AttemptNotes {
  readonly #spool: KeptSpool;
  /** Ends count when they are on the disk, and not before. */
  readonly #patient: boolean;

  constructor(spool: KeptSpool, patient: boolean) {
    this.#spool = spool;
    this.#patient = patient;
  }

  /** Before its budgets are asked. Rejects when it cannot be noted. */
  asked(open: OpenAttempt): Promise<void> {
    return this.#keep(open, { kind: "R", request: open.request, at: open.at });
  }

  /** Before it is sent, which it must not be when it cannot be noted. */
  async sent(open: OpenAttempt): Promise<void> {
    checkOwn(open);
    const { request, at } = open;
    await this.#keep(open, open.pins.length === 0 ? { kind: "P", request, at } : { kind: "D", id: request.id });
    checkOwn(open);
    open.sent = true;
  }

  /**
   * How it ended: unless its entry says the same, or nothing of it was noted and it has cost nothing. Answers what is to be
   * waited for. What cannot be noted is still written, unless this process ends.
   */
  ended(open: OpenAttempt, settlement: Settlement): Promise<unknown> | undefined {
    if (!saysTheSame(open.told, settlement)) {
      if (open.pins.length === 0) {
        if (settlement.actual === 0n) return undefined;
        this.#pin(open, { kind: "R", request: open.request, at: open.at });
      }
      if (!this.#pin(open, { kind: "S", settlement })) return undefined;
    }
    return this.#safe();
  }

  /** Its entry, which is there until the store has it. undefined: it cannot be noted. */
  entered(entry: Entry): { readonly safe: Promise<unknown> | undefined; release(): void } | undefined {
    const pin = this.#spool.note({ kind: "E", entry }, "soon");
    if (pin === undefined) return undefined;
    return { safe: this.#safe(), release: () => this.#spool.release(pin) };
  }

  /** Nothing of it is to be written any more. */
  forget(open: OpenAttempt): void {
    for (const pin of open.pins) this.#spool.release(pin);
    open.pins.length = 0;
  }

  /**
   * Another process has ended what was in the spool. What was not sent it has booked at 0, so it must not be sent any more;
   * all else it has booked as it was on record, and what becomes of it corrects that.
   */
  again(attempts: Iterable<OpenAttempt>, waiting: readonly Entry[]): void {
    const entries = new Map(waiting.map((entry) => [entry.id, entry]));
    for (const open of attempts) {
      const { request, at, sent, settlement } = open;
      open.pins.length = 0;
      open.ended = !sent;
      if (!sent && settlement === undefined) continue;
      this.#pin(open, { kind: sent ? "P" : "R", request, at });
      if (settlement !== undefined) this.#pin(open, { kind: "S", settlement });
      const entry = entries.get(request.id);
      if (entry !== undefined) this.#pin(open, { kind: "E", entry });
    }
    this.#spool.flush();
  }

  async #keep(open: OpenAttempt, record: SpoolRecord): Promise<void> {
    if (this.#pin(open, record) && (await this.#spool.written()) !== false) return;
    throw overloaded("the spool cannot be written", this.#spool.failure);
  }

  #pin(open: OpenAttempt, record: SpoolRecord): boolean {
    const pin = this.#spool.note(record, "soon");
    if (pin !== undefined) open.pins.push(pin);
    return pin !== undefined;
  }

  /** With the operating system, or on the disk, which is asked for in any case. */
  #safe(): Promise<unknown> | undefined {
    const durable = this.#spool.durable();
    return this.#patient ? durable : this.#spool.written();
  }
}

function checkOwn({ ended }: OpenAttempt): void {
  if (ended) throw overloaded("another process has taken over what this one had under way");
}

/** Whether an entry in the spool tells of an attempt's end what its settlement would. */
function saysTheSame(told: Entry | undefined, { actual, status }: Settlement): boolean {
  return told !== undefined && told.billed === actual && (told.status === "void" ? "final" : told.status) === status;
}
