import type {
  BudgetLine,
  CounterRecovery,
  HeldCheck,
  LineBalance,
  LineSettlement,
  NanoUsd,
  ReapedReservation,
  ReservationAnswer,
  ReservationRequest,
  ReservationStore,
} from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Connection, Evaluation } from "../connection/connection.ts";
import { RedisFailure } from "../connection/connection.ts";
import type { Script } from "../connection/script.ts";
import { BALANCES, CHECK_HELD } from "./check-scripts.ts";
import { lifeOf, lineName, lineOf } from "./line-name.ts";
import { Recovery } from "./recovery.ts";
import { QUIET } from "./recovery-scripts.ts";
import { BALANCE, CORRECT, REAP, RENEW, RESERVE, SETTLE } from "./reservation-scripts.ts";

/** Settings of the counters. */
export interface RedisReservationsOptions {
  readonly namespace: string;
  /** How long a settled id is remembered. Default 7 days. */
  readonly settledForMs?: number;
  /** How long lost counters wait for every process to be heard of. Default 5,000. */
  readonly rebuildAfterMs?: number;
  /** How many replicas have to have a reservation. Default 0. */
  readonly waitForReplicas?: number;
}

const DAY_MS = 86_400_000;
const SETTLED_FOR_MS = 7 * DAY_MS;
const REBUILD_AFTER_MS = 5_000;
const BACKGROUND_MS = 5_000;
/** Redis does nothing else meanwhile: a hundred settlements take it about a millisecond. */
const AT_ONCE = 100;
/** Redis does nothing else while it compares what is held with its counters: ten thousand take it some ten milliseconds. */
const MOST_CHECKED = 10_000;
/** A process that has reaped, and died before its report arrived, is not heard of again. */
const REPORT_AGAIN_MS = 60_000;
/** What Redis counts to: about nine billion dollars. */
const MOST: NanoUsd = 9_223_372_036_854_775_807n;

/**
 * The counters behind budgets, shared by all processes: every operation is one script. Redis keeps a generation beside
 * them; where that is missing, because its data was lost, nothing is reserved or settled (`ledger_unavailable`) until
 * the processes have rebuilt them: `recover`.
 */
export class RedisReservations implements ReservationStore {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #settledForMs: number;
  readonly #replicas: number;
  readonly #recovery: Recovery;
  #reported: readonly string[] = [];

  constructor(connection: Connection, options: RedisReservationsOptions) {
    this.#connection = connection;
    this.#prefix = `{${options.namespace}:budgets}:`;
    this.#settledForMs = options.settledForMs ?? SETTLED_FOR_MS;
    this.#replicas = options.waitForReplicas ?? 0;
    this.#recovery = new Recovery({
      run: (script, args) => this.#run(script, args, BACKGROUND_MS),
      hold: ({ held, leaseMs }) => this.#restore(held, leaseMs),
      settlements: ({ unwritten }) => [...inGroups(unwritten)].map(settlementArguments),
      settledForMs: this.#settledForMs,
      waitMs: options.rebuildAfterMs ?? REBUILD_AFTER_MS,
    });
  }

  async reserve(request: ReservationRequest, leaseMs: number): Promise<ReservationAnswer> {
    const [held, at, spent, pending] = await this.#hold(request, leaseMs, "check");
    if (held === 1) {
      if (this.#replicas > 0) await this.#replicated();
      return { held: true };
    }
    const line = request.lines[(at ?? 1) - 1] as BudgetLine;
    return { held: false, line, spent: BigInt(spent ?? 0), pending: BigInt(pending ?? 0) };
  }

  async settle(settlements: readonly LineSettlement[]): Promise<void> {
    // Without waiting for one another: they travel together.
    const groups = [...inGroups(settlements)];
    await Promise.all(
      groups.map((some) => this.#run(SETTLE, [this.#settledForMs, ...settlementArguments(some)], BACKGROUND_MS)),
    );
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

  async balances(lines: readonly BudgetLine[]): Promise<readonly LineBalance[]> {
    const answers = await Promise.all(
      [...inGroups(lines)].map((some) => this.#run(BALANCES, some.map(lineName), BACKGROUND_MS)),
    );
    const amounts = answers.flat() as readonly string[];
    return lines.map((_, at) => ({
      posted: BigInt(amounts[at * 2] as string),
      pending: BigInt(amounts[at * 2 + 1] as string),
    }));
  }

  async checkHeld(lines: readonly BudgetLine[], overdueMs: number): Promise<HeldCheck | undefined> {
    if (lines.length > MOST_CHECKED) return undefined;
    const answer = await this.#run(CHECK_HELD, [overdueMs, MOST_CHECKED, ...lines.map(lineName)], BACKGROUND_MS);
    return heldCheckFrom(answer as readonly string[]);
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

  /** Rebuilds lost counters, together with every other process that sees that they are lost. */
  async recover(part: CounterRecovery): Promise<void> {
    await this.#recovery.run(part);
    // What was rebuilt without this process is added: all of it is known by its id.
    await this.#restore(part.held, part.leaseMs);
    await this.settle(part.unwritten);
  }

  async quiet(process: string, written: boolean | undefined, withinMs: number): Promise<boolean> {
    const state = written === undefined ? "" : Number(written);
    return (await this.#run(QUIET, [process, state, withinMs, DAY_MS], BACKGROUND_MS)) === 1;
  }

  /** Throws when it is not known to be where it has to be: it is given back by whoever asked for it. */
  async #replicated(): Promise<void> {
    let reached: number;
    try {
      reached = await this.#connection.replicated(this.#replicas);
    } catch (error) {
      throw unavailable(error);
    }
    if (reached >= this.#replicas) return;
    const message = `a reservation has reached ${reached} of ${this.#replicas} replicas of Redis in time`;
    throw new GatewayError("ledger_unavailable", message, { source: "redis", retryAfterMs: 1_000 });
  }

  async #restore(requests: readonly ReservationRequest[], leaseMs: number): Promise<void> {
    for (const some of inGroups(requests)) {
      await Promise.all(some.map((request) => this.#hold(request, leaseMs, "restore")));
    }
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

/** How many are overdue, then of each line that differs: name, pending, held. Empty: there are too many to look at. */
function heldCheckFrom([overdue, ...differing]: readonly string[]): HeldCheck | undefined {
  if (overdue === undefined) return undefined;
  const found: HeldCheck["differing"][number][] = [];
  for (let at = 0; at < differing.length; at += 3) {
    const [name = "", pending = "0", held = "0"] = differing.slice(at, at + 3);
    const { scope, period } = lineOf(name);
    found.push({ line: { scope, period }, pending: BigInt(pending), held: BigInt(held) });
  }
  return { differing: found, overdue: Number(overdue) };
}

function settlementArguments(settlements: readonly LineSettlement[]): readonly (string | number)[] {
  const args: (string | number)[] = [];
  for (const { id, actual, status, lines, written } of settlements) {
    args.push(
      id,
      amount(actual),
      status === "final" ? 0 : 1,
      written === undefined ? "" : amount(written),
      lines.length,
    );
    for (const line of lines) args.push(lineName(line), lifeOf(line));
  }
  return args;
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
