import type {
  Call,
  CallOptions,
  Deployment,
  ErrorCode,
  GatewayErrorOptions,
  Outcome,
  SharedState,
} from "@signalbox/kernel";
import { createModelTable, GatewayError, MemoryState } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import type { Clock } from "../../src/health/clock.ts";
import type { CooldownOptions } from "../../src/health/cooldown-options.ts";
import type { HealthBoard } from "../../src/health/health-board.ts";
import { createHealthBoard } from "../../src/health/health-board.ts";

/** Epoch milliseconds at the clock's zero. */
export const EPOCH = 1_800_000_000_000;

export class TestClock implements Clock {
  time = 1_000_000;

  now(): number {
    return this.time;
  }

  epochMs(): number {
    return EPOCH + this.time;
  }
}

export function deployment(id: string, more: Partial<Deployment> = {}): Deployment {
  return { id, model: "m", provider: "p", upstreamModel: "u", ...more };
}

export function group(size: number, more: Partial<Deployment> = {}): readonly Deployment[] {
  return Array.from({ length: size }, (_, index) => deployment(String.fromCharCode(97 + index), more));
}

export function newCall(options: CallOptions = {}, signal?: AbortSignal): Call {
  return testCall({
    operation: "chat",
    request: { model: "m", messages: [] },
    options,
    ...(signal !== undefined && { signal }),
  }) as unknown as Call;
}

export function failure(code: ErrorCode, options?: GatewayErrorOptions): GatewayError {
  return new GatewayError(code, "secret words of an upstream at https://upstream.internal", options);
}

/** A board with a table and a clock of its own. */
export class HealthBench {
  readonly clock: TestClock;
  readonly models: ReturnType<typeof createModelTable>;
  readonly board: HealthBoard;
  readonly #begunAt = new WeakMap<Call, number>();

  constructor(
    deployments: readonly Deployment[],
    options: CooldownOptions = {},
    state: SharedState = new MemoryState(),
    clock: TestClock = new TestClock(),
  ) {
    this.clock = clock;
    this.models = createModelTable(deployments, []);
    this.board = createHealthBoard(options, this.models, { state }, this.clock);
  }

  find(id: string): Deployment {
    return this.models.all().find((each) => each.id === id) as Deployment;
  }

  usable(model: string = "m", call: Call = newCall()): string {
    return this.board
      .usable(call, this.models.deployments(model))
      .map(({ id }) => id)
      .join("");
  }

  begin(id: string, call: Call = newCall()): Call {
    this.#begunAt.set(call, this.clock.time);
    this.board.begin?.(this.find(id), call);
    return call;
  }

  end(id: string, call: Call, outcome: Partial<Outcome>): void {
    const durationMs = this.clock.time - (this.#begunAt.get(call) ?? this.clock.time);
    this.board.report?.(
      this.find(id),
      { ok: outcome.error === undefined, firstEventMs: durationMs, durationMs, ...outcome },
      call,
    );
  }

  succeed(id: string, times: number = 1): void {
    for (let time = 0; time < times; time++) this.end(id, this.begin(id), { ok: true });
  }

  fail(id: string, code: ErrorCode = "provider_error", options?: GatewayErrorOptions, times: number = 1): void {
    for (let time = 0; time < times; time++) this.end(id, this.begin(id), { error: failure(code, options) });
  }

  state(id: string): string {
    return this.board.states().find((each) => each.id === id)?.state ?? "none";
  }

  reason(id: string): string | undefined {
    return this.board.states().find((each) => each.id === id)?.reason;
  }

  /** Milliseconds until it may be tried. */
  left(id: string): number | undefined {
    const until = this.board.states().find((each) => each.id === id)?.until;
    return until === undefined ? undefined : until - this.clock.epochMs();
  }

  pass(ms: number): void {
    this.clock.time += ms;
  }
}

/** The states of two processes that tell each other what they write. */
export function linkedStates(): readonly [SharedState, SharedState] {
  const sides = [new LinkedState(), new LinkedState()] as const;
  sides[0].other = sides[1];
  sides[1].other = sides[0];
  return sides;
}

class LinkedState extends MemoryState {
  other: LinkedState | undefined;
  readonly #listeners: { readonly prefix: string; readonly listener: (key: string, value: unknown) => void }[] = [];

  override set(key: string, value: unknown, ttlMs: number): void {
    super.set(key, value, ttlMs);
    this.other?.receive(key, JSON.parse(JSON.stringify(value)), ttlMs);
  }

  override delete(key: string): void {
    super.delete(key);
    this.other?.receive(key, undefined, 0);
  }

  override watch(prefix: string, listener: (key: string, value: unknown) => void): () => void {
    const entry = { prefix, listener };
    this.#listeners.push(entry);
    const unwatch = super.watch(prefix, listener);
    return () => {
      this.#listeners.splice(this.#listeners.indexOf(entry), 1);
      unwatch();
    };
  }

  receive(key: string, value: unknown, ttlMs: number): void {
    if (value === undefined) super.delete(key);
    else super.set(key, value, ttlMs);
    for (const { prefix, listener } of this.#listeners) if (key.startsWith(prefix)) listener(key, value);
  }
}
