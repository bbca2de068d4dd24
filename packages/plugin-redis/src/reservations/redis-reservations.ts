import { randomUUID } from "node:crypto";
import type {
  BudgetLine,
  LineBalance,
  NanoUsd,
  ReapedReservation,
  ReservationAnswer,
  ReservationRequest,
  ReservationStore,
  Settlement,
} from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Connection, Evaluation } from "../connection/connection.ts";
import { RedisFailure } from "../connection/connection.ts";
import type { Script } from "../connection/script.ts";
import { lifeOf, lineName, lineOf } from "./line-name.ts";
import { BALANCE, CORRECT, OPEN, REAP, REBUILD, RENEW, RESERVE, SETTLE } from "./reservation-scripts.ts";

/** What a counter had, for one whose Redis has forgotten it. */
export interface RebuiltLine {
  readonly line: Pick<BudgetLine, "scope" | "period">;
  readonly posted: NanoUsd;
}

/** Settings of the counters. */
export interface RedisReservationsOptions {
  readonly namespace: string;
  /** How long a settled id is remembered. Default 7 days. */
  readonly settledForMs?: number;
}

const DAY_MS = 86_400_000;
const SETTLED_FOR_MS = 7 * DAY_MS;
const BACKGROUND_MS = 5_000;
/** Redis does nothing else meanwhile: a hundred settlements take it about a millisecond. */
const AT_ONCE = 100;
/** A process that has reaped, and died before its report arrived, is not heard of again. */
const REPORT_AGAIN_MS = 60_000;
/** What Redis counts to: about nine billion dollars. */
const MOST: NanoUsd = 9_223_372_036_854_775_807n;

/**
 * The counters behind budgets, shared by all processes: every operation is one script. Redis keeps a generation beside
 * them; where that is missing, because its data was lost, nothing is reserved or settled (`ledger_unavailable`) until
 * somebody who knows the ledger calls `rebuild`.
 */
export class RedisReservations implements ReservationStore {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #settledForMs: number;
  #reported: readonly string[] = [];

  constructor(connection: Connection, options: RedisReservationsOptions) {
    this.#connection = connection;
    this.#prefix = `{${options.namespace}:budgets}:`;
    this.#settledForMs = options.settledForMs ?? SETTLED_FOR_MS;
  }

  async reserve(request: ReservationRequest, leaseMs: number): Promise<ReservationAnswer> {
    const [held, at, spent, pending] = await this.#hold(request, leaseMs, "check");
    if (held === 1) return { held: true };
    const line = request.lines[(at ?? 1) - 1] as BudgetLine;
    return { held: false, line, spent: BigInt(spent ?? 0), pending: BigInt(pending ?? 0) };
  }

  async settle(settlements: readonly (Settlement & { readonly lines: readonly BudgetLine[] })[]): Promise<void> {
    const scripts: Promise<unknown>[] = [];
    for (const some of inGroups(settlements)) {
      const args: (string | number)[] = [this.#settledForMs];
      for (const { id, actual, status, lines } of some) {
        args.push(id, amount(actual), status === "final" ? 0 : 1, lines.length);
        for (const line of lines) args.push(lineName(line), lifeOf(line));
      }
      // Without waiting for the one before: they travel together.
      scripts.push(this.#run(SETTLE, args, BACKGROUND_MS));
    }
    await Promise.all(scripts);
  }

  async renew(ids: readonly string[], leaseMs: number): Promise<void> {
    await Promise.all([...inGroups(ids)].map((some) => this.#run(RENEW, [leaseMs, ...some], BACKGROUND_MS)));
  }

  /**
   * A reservation whose report was not followed by another `reap` of this process within a minute is reported again, to
   * whoever asks: a process may die in between.
   */
  async reap(): Promise<readonly ReapedReservation[]> {
    const reaped: ReapedReservation[] = [];
    for (;;) {
      const args = [this.#settledForMs, AT_ONCE, REPORT_AGAIN_MS, ...this.#reported.slice(0, AT_ONCE)];
      const answer = (await this.#run(REAP, args, BACKGROUND_MS)) as readonly string[];
      this.#reported = this.#reported.slice(AT_ONCE);
      for (let at = 0; at < answer.length; at += 2)
        reaped.push(reapedFrom(answer[at] as string, answer[at + 1] as string));
      if (answer.length < AT_ONCE * 2 && this.#reported.length === 0) break;
    }
    this.#reported = reaped.map(({ id }) => id);
    return reaped;
  }

  async balance(line: BudgetLine): Promise<LineBalance> {
    const [posted, pending] = (await this.#run(BALANCE, [lineName(line)], BACKGROUND_MS)) as readonly [string, string];
    return { posted: BigInt(posted), pending: BigInt(pending) };
  }

  async correct(line: BudgetLine, expected: NanoUsd, difference: NanoUsd): Promise<boolean> {
    const args = [lineName(line), amount(expected), amount(difference), lifeOf(line)];
    return (await this.#run(CORRECT, args, BACKGROUND_MS)) === 1;
  }

  /** What Redis has counted since, as a random name; undefined when its data was lost, or was never there. */
  async generation(timeoutMs: number = BACKGROUND_MS): Promise<string | undefined> {
    try {
      const key = `${this.#prefix}generation`;
      return (await this.#connection.background(timeoutMs, (client) => client.get(key))) ?? undefined;
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * Opens counters that have no generation, with what the ledger says was posted. `settled`: ids that are in those sums
   * and may be settled again; a repetition then changes nothing. False when somebody else has opened them before.
   */
  async rebuild(balances: Iterable<RebuiltLine>, settled: Iterable<string> = []): Promise<boolean> {
    for (const some of inGroups([...balances])) {
      const args = some.flatMap(({ line, posted }) => [lineName(line), amount(posted), lifeOf(line)]);
      if ((await this.#run(REBUILD, [this.#settledForMs, some.length, ...args], BACKGROUND_MS)) !== 1) return false;
    }
    for (const some of inGroups([...settled])) {
      if ((await this.#run(REBUILD, [this.#settledForMs, 0, ...some], BACKGROUND_MS)) !== 1) return false;
    }
    return (await this.#run(OPEN, [randomUUID()], BACKGROUND_MS)) === 1;
  }

  /** Holds again, without asking limits, what this process has under way: before or after `rebuild`. */
  async restore(requests: readonly ReservationRequest[], leaseMs: number): Promise<void> {
    await Promise.all(requests.map((request) => this.#hold(request, leaseMs, "restore")));
  }

  async #hold(
    { id, estimate, lines }: ReservationRequest,
    leaseMs: number,
    mode: "check" | "restore",
  ): Promise<readonly number[]> {
    const args: (string | number)[] = [id, amount(estimate), leaseMs, mode];
    for (const line of lines) args.push(lineName(line), limitText(line.limit), lifeOf(line));
    const answer = await this.#run(RESERVE, args, mode === "check" ? undefined : BACKGROUND_MS);
    const numbers = answer as readonly number[];
    if (numbers[0] === -1) throw closed();
    return numbers;
  }

  async #run(script: Script, args: readonly (string | number)[], backgroundMs: number | undefined): Promise<unknown> {
    const evaluation: Evaluation = { key: this.#prefix, args };
    let answer: unknown;
    try {
      answer = await this.#connection.evaluate(
        script,
        backgroundMs === undefined ? evaluation : { ...evaluation, backgroundMs },
      );
    } catch (error) {
      throw unavailable(error);
    }
    if (answer === -1) throw closed();
    return answer;
  }
}

function reapedFrom(id: string, held: string): ReapedReservation {
  const [head = "h0", ...lines] = held.split("\n");
  return { id, estimate: BigInt(head.slice(1)), lines: lines.map(lineOf) };
}

function* inGroups<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += AT_ONCE) yield items.slice(at, at + AT_ONCE);
}

function amount(value: NanoUsd): string {
  if (value > MOST || value < -MOST) {
    throw new GatewayError("ledger_unavailable", "an amount is beyond what Redis counts: nine billion US dollars", {
      source: "redis",
    });
  }
  return value.toString();
}

/** A limit that cannot be counted to is one that cannot be reached. */
function limitText(limit: NanoUsd | null): string {
  return limit === null || limit > MOST ? "" : limit.toString();
}

function closed(): GatewayError {
  return new GatewayError(
    "ledger_unavailable",
    "Redis has no counters of budgets: its data was lost, and is to be rebuilt from the ledger",
    { source: "redis", retryAfterMs: 1_000 },
  );
}

function unavailable(error: unknown): unknown {
  if (!(error instanceof RedisFailure)) return error;
  return new GatewayError("ledger_unavailable", `budgets cannot be counted: ${error.message}`, {
    source: "redis",
    retryAfterMs: error.retryAfterMs,
    cause: error,
  });
}
