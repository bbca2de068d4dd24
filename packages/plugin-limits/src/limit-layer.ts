import type {
  Call,
  ErrorCode,
  Layer,
  LimitCorrection,
  LimitTake,
  OperationName,
  Reply,
  Usage,
} from "@signalbox/kernel";
import { estimatedTokens, isGatewayError } from "@signalbox/kernel";
import type { ActiveShares } from "./active-shares.ts";
import type { Counter } from "./counter.ts";
import { denial } from "./denial.ts";
import type { GuardedStore, Taken } from "./guarded-store.ts";
import { addKeyHeaders, addLimitHeaders } from "./limit-headers.ts";
import type { TokenKind } from "./options.ts";
import type { Held, Renewals } from "./renewals.ts";
import type { RuleBook } from "./rule-book.ts";

/** What the layer works with; the store is there once the gateway has started. */
export interface LimitLayerParts {
  readonly rules: RuleBook;
  readonly store: () => GuardedStore;
  readonly renewals: Renewals;
  readonly leaseMs: number;
  readonly keyHeaders: boolean;
  readonly shares: ActiveShares;
}

/** Denied before anything was sent: what the call took is given back as if it had not come. */
const DENIALS: ReadonlySet<ErrorCode> = new Set([
  "budget_exceeded",
  "price_unknown",
  "ledger_unavailable",
  "rate_limit_exceeded",
  "concurrency_limit_exceeded",
]);
const NO_CORRECTIONS: readonly LimitCorrection[] = [];

/** How a call ended: what it used, or how it failed; neither when it was left. */
interface Ending {
  readonly usage?: Usage | undefined;
  readonly failure?: unknown;
}

/** Takes before, corrects and gives back after. Calls that nothing limits pass by. */
export function limitLayer({ rules, store, renewals, leaseMs, keyHeaders, shares }: LimitLayerParts): Layer {
  function limited<Name extends OperationName>(call: Call<Name>, next: (call: Call<Name>) => Reply<Name>): Reply<Name> {
    const counters = rules.countersFor(call as unknown as Call);
    return counters.length === 0 ? next(call) : counted(call, next, counters);
  }

  async function* counted<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
    counters: readonly Counter[],
  ): Reply<Name> {
    const { id, signal, trace } = call;
    const counting = store();
    const pending = counting.take(id, takesFor(call as unknown as Call, counters, shares), leaseMs);
    let held: Held | undefined;
    let ending: Ending = {};
    let over = false;
    /** @throws {GatewayError} the denial */
    function decide(taken: Taken): void {
      const { answer, takes } = taken;
      addLimitHeaders(trace, counters, takes, answer.states);
      if (keyHeaders) addKeyHeaders(call as unknown as Call, counters, takes, answer.states);
      if (!answer.allowed) {
        // waiting does not change it: client libraries would repeat it for nothing
        if (answer.retryAfterMs === undefined) trace.header("x-should-retry", "false");
        throw denial(answer, counters);
      }
      if (over) {
        // left before anything was sent
        counting.release(id, taken, corrections(call as unknown as Call, counters, taken, ending, true));
        return;
      }
      held = { id, taken, signal, renewedAt: performance.now() };
      renewals.add(held);
    }
    if (!(pending instanceof Promise)) decide(pending);
    else if (call.admission === undefined) decide(await pending);
    else call.admission.hold(pending.then(decide));
    try {
      // it may have been left while the store was asked
      if (signal.aborted) throw signal.reason;
      const result = yield* next(call);
      ending = { usage: (result as { readonly usage?: Usage }).usage };
      return result;
    } catch (failure) {
      ending = { failure };
      throw failure;
    } finally {
      over = true;
      if (held !== undefined) {
        renewals.delete(held);
        const { taken } = held;
        counting.release(id, taken, corrections(call as unknown as Call, counters, taken, ending, false));
      }
    }
  }

  return limited;
}

/** What to take: of tokens as many as the call will probably use. */
function takesFor(call: Call, counters: readonly Counter[], shares: ActiveShares): readonly LimitTake[] {
  let tokens: Readonly<Record<TokenKind, number>> | undefined;
  const takes = new Array<LimitTake>(counters.length);
  for (let at = 0; at < counters.length; at++) {
    const { unit, take, tokens: kind, share } = counters[at] as Counter;
    if (unit !== "tokens" && share === undefined) {
      takes[at] = take;
      continue;
    }
    const limit = share === undefined ? take.limit : shares.of(share, take.limit);
    if (unit === "tokens") tokens ??= tokensOf(call);
    const cost = tokens === undefined || unit !== "tokens" ? take.cost : tokens[kind];
    takes[at] = { key: take.key, kind: "rate", limit, periodMs: take.periodMs, cost };
  }
  return takes;
}

function tokensOf(call: Call): Readonly<Record<TokenKind, number>> {
  const estimate = estimatedTokens(call);
  const input = Math.ceil(estimate.input);
  const output = Math.ceil(estimate.output);
  return { input, output, total: input + output };
}

/** What was really used, in place of what was taken. What is not known stays as it was estimated. */
function corrections(
  { trace, signal }: Call,
  counters: readonly Counter[],
  { takes }: Taken,
  { usage, failure }: Ending,
  unsent: boolean,
): readonly LimitCorrection[] {
  const { attempts } = trace;
  const used = usage !== undefined && usage.inputTokens + usage.outputTokens > 0 ? usage : undefined;
  // an answer from a cache, and a failure without an answer, have used no tokens
  const unused =
    unsent || attempts.length === 0 || (failure !== undefined && trace.begunMs === undefined && !signal.aborted);
  if (used === undefined && !unused) return NO_CORRECTIONS;
  const denied =
    failure !== undefined &&
    isGatewayError(failure) &&
    DENIALS.has(failure.code) &&
    attempts.every(({ code }) => code !== undefined && DENIALS.has(code));
  const changes: LimitCorrection[] = [];
  for (let at = 0; at < counters.length; at++) {
    const { unit, tokens } = counters[at] as Counter;
    const take = takes[at] as LimitTake;
    let real = take.cost;
    if (unit === "tokens") real = unused || used === undefined ? 0 : usedOf(used, tokens);
    else if (unit === "requests" && denied) real = 0;
    if (real !== take.cost) changes.push({ take, difference: real - take.cost });
  }
  return changes;
}

function usedOf({ inputTokens, outputTokens }: Usage, kind: TokenKind): number {
  if (kind === "total") return inputTokens + outputTokens;
  return kind === "input" ? inputTokens : outputTokens;
}
