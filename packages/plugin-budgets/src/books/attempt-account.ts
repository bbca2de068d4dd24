import type {
  Attempt,
  EventOf,
  NanoUsd,
  OperationName,
  ReservationAnswer,
  ResultOf,
  Scope,
  Usage,
} from "@signalbox/kernel";
import { GatewayError, isGatewayError, NO_USAGE } from "@signalbox/kernel";
import { certainlyFree } from "../receipts/certainly-free.ts";
import type { Receipt } from "../receipts/receipt.ts";
import { FREE } from "../receipts/receipt.ts";
import { Received } from "../receipts/received.ts";
import type { Charge } from "../rules/charges.ts";
import type { OutputChange } from "../rules/output-limits.ts";
import { tellOutput } from "../rules/output-limits.ts";
import type { Books } from "./books.ts";
import { budgetExceeded, priceUnknown } from "./budget-error.ts";
import { addCostComment, addCostHeaders, addEstimateHeader, addKeyBudget } from "./cost-headers.ts";
import { attemptEntry, entryOutline } from "./entry.ts";

/** Of these, a usage without tokens means that it is missing. */
const BILLED_BY_TOKENS: ReadonlySet<OperationName> = new Set(["chat", "complete", "embed"]);
const USUALLY_FREE: ReadonlySet<OperationName> = new Set(["countTokens", "moderate"]);

/** What one attempt may cost, and what it has cost: reserved before it is sent, and ended exactly once. */
export class AttemptAccount {
  /** As it is sent: its limit of output tokens may be another than the client's. */
  attempt: Attempt;
  outputChange: OutputChange | undefined;
  readonly charge: Charge;
  readonly startedAt: number;
  readonly received: Received = new Received();
  readonly id: string;
  /** Its place among the open accounts. */
  slot = -1;
  /** It has not ended yet. */
  open = true;
  readonly #books: Books;
  #estimate: NanoUsd | undefined;
  /** The ledger may hold a reservation of this id. */
  #held = false;
  #sent = false;

  constructor(books: Books, attempt: Attempt, charge: Charge, now: number) {
    this.#books = books;
    this.attempt = attempt;
    this.charge = charge;
    this.startedAt = now;
    this.id = `${attempt.id}/${attempt.ordinal}`;
  }

  /**
   * Sets aside the most that the attempt can cost, in every budget that it counts against.
   *
   * @throws {GatewayError} `budget_exceeded`, `price_unknown`, or what the ledger says when it cannot decide
   */
  async reserve(): Promise<void> {
    const { ledger, receipts, unknownPrice } = this.#books;
    const { attempt } = this;
    const { lines } = this.charge;
    const hard = lines.some(({ limit }) => limit !== null);
    this.#estimate = receipts.bound(attempt) ?? (hard ? unknownPrice : undefined);
    if (hard && this.#estimate === undefined) throw priceUnknown(attempt.deployment.model);
    this.#held = true;
    try {
      let answer = await this.#ask();
      if (!answer.held && this.#fits(answer)) answer = await this.#ask();
      if (!answer.held) {
        this.#held = false;
        throw budgetExceeded(answer.line, this.#endOf(answer.line), this.#estimate ?? 0n, Date.now());
      }
    } catch (thrown) {
      // without a hard budget there is nothing to keep: the entry follows when the ledger is back
      if (hard || !isGatewayError(thrown) || thrown.code !== "ledger_unavailable") throw thrown;
    }
    // limits may have been asked along with the ledger
    const outstanding = attempt.admission?.outstanding;
    if (outstanding !== undefined) await outstanding;
    const noted = ledger.dispatched?.(this.id);
    if (noted !== undefined) await noted;
    if (attempt.signal.aborted) throw attempt.signal.reason;
    if (!this.open) throw new GatewayError("draining", "this gateway shut down before the call was sent");
    this.#sent = true;
  }

  /** The first of its reply is there: an event, or the result. */
  answered(streamed: boolean): void {
    const { trace, principal } = this.attempt;
    if (this.#books.keyHeaders) addKeyBudget(trace, principal.id, this.charge.lines);
    if (this.outputChange !== undefined) tellOutput(this.attempt, this.outputChange);
    if (streamed && this.#estimate !== undefined) addEstimateHeader(trace, this.#estimate);
  }

  /** Answers the event to pass on. */
  take<Name extends OperationName>(event: EventOf<Name>): EventOf<Name> {
    return this.received.take(event);
  }

  succeed(result: ResultOf<OperationName>): void {
    const { usage } = result as { usage?: Usage };
    const receipt = this.#end(() => this.#ofResult(usage, result), undefined, finishReasonOf(result));
    // a stream's headers have gone
    if (receipt === undefined) return;
    if (this.received.firstEventAt === 0) addCostHeaders(this.attempt.trace, receipt);
    else if (this.#books.streamCost) addCostComment(this.attempt.trace, receipt);
  }

  fail(thrown: unknown): void {
    const { signal, record } = this.attempt;
    const cause: unknown = signal.aborted ? signal.reason : thrown;
    const code = isGatewayError(cause) ? cause.code : "internal_error";
    const free = !this.#sent || (this.received.firstEventAt === 0 && certainlyFree(thrown, record));
    this.#end(() => (free ? FREE : this.#ofBroken()), code, undefined);
  }

  /** Nobody reads the reply any more. Does nothing when the attempt has ended. */
  abandon(): void {
    if (!this.open) return;
    const { signal } = this.attempt;
    const code = signal.aborted && isGatewayError(signal.reason) ? signal.reason.code : "client_closed";
    this.#end(() => (this.#sent ? this.#ofBroken() : FREE), code, undefined);
  }

  #ask(): Promise<ReservationAnswer> {
    const { id } = this;
    const { lines } = this.charge;
    return this.#books.ledger.reserve({ id, estimate: this.#estimate ?? 0n, lines, about: entryOutline(this) });
  }

  /** Whether the attempt now asks for so little output that what is left of a budget covers it. */
  #fits({ line, spent, pending }: ReservationAnswer & { readonly held: false }): boolean {
    const { outputs, receipts } = this.#books;
    if (line.limit === null || !outputs.mayFit(this.attempt.principal)) return false;
    const fitted = outputs.fitted(this.attempt, line.limit - spent - pending, (attempt) => receipts.bound(attempt));
    if (fitted === undefined) return false;
    const from = this.outputChange === undefined ? fitted.change?.from : this.outputChange.from;
    this.attempt = fitted.attempt;
    this.outputChange = { ...(fitted.change as OutputChange), from };
    this.#estimate = receipts.bound(fitted.attempt);
    return true;
  }

  #ofResult(usage: Usage | undefined, result: ResultOf<OperationName>): Receipt {
    const { receipts } = this.#books;
    // a usage without any tokens tells nothing, unless the operation has none
    const tells =
      usage === undefined ? false : usage.inputTokens + usage.outputTokens > 0 || usage.reportedCost !== undefined;
    if (tells) return receipts.final(this.attempt, usage as Usage, result);
    const { operation } = this.attempt;
    if (BILLED_BY_TOKENS.has(operation)) return this.#ofBroken();
    // searches, seconds and pictures stand in the result
    const receipt = receipts.final(this.attempt, usage ?? NO_USAGE, result);
    const costs = receipt.billed !== undefined && receipt.billed > 0n;
    return costs || USUALLY_FREE.has(operation) ? receipt : this.#ofBroken();
  }

  #ofBroken(): Receipt {
    const { receipts } = this.#books;
    return this.received.firstEventAt === 0
      ? receipts.estimated(this.#estimate)
      : receipts.broken(this.attempt, this.received, this.#estimate);
  }

  #end(work: () => Receipt, errorCode: string | undefined, finishReason: string | undefined): Receipt | undefined {
    if (!this.open) return undefined;
    this.open = false;
    let receipt: Receipt;
    try {
      receipt = work();
    } catch (cause) {
      // the answer is there all the same: it is charged as if nothing were known
      this.#books.tell("pricingFailed", this, cause);
      receipt = this.#books.receipts.estimated(this.#estimate);
    }
    // a price that is not known at the end either: what was set aside is what is charged
    const billed = receipt.billed ?? this.#estimate;
    const known =
      receipt.billed === undefined && billed !== undefined ? { ...receipt, provider: billed, billed } : receipt;
    const entry = attemptEntry(this, known, errorCode, finishReason);
    if (known.billed === undefined) this.#books.tell("priceUnknown", this);
    else if (this.#estimate !== undefined && known.billed > this.#estimate) this.#books.tell("aboveEstimate", this);
    this.#books.record(this, entry, this.#held);
    return known;
  }

  #endOf(denied: { readonly scope: Scope; readonly period: string }): number | undefined {
    const { kind, id, model } = denied.scope;
    return this.charge.lines.find(
      ({ scope, period }) =>
        period === denied.period && scope.kind === kind && scope.id === id && scope.model === model,
    )?.endsAt;
  }
}

/** Of the first answer. What was forwarded unread does not tell. */
function finishReasonOf(result: ResultOf<OperationName>): string | undefined {
  const { native } = result as { native?: { body?: Buffer } };
  if (native !== undefined && native.body === undefined) return undefined;
  const { choices } = result as { choices?: readonly { readonly finishReason?: string }[] };
  return choices?.[0]?.finishReason;
}
