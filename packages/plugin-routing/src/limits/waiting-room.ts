import type { Call, Deployment } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { QueueOptions } from "./deployment-limits.ts";
import type { Claim, DeploymentMeter, Limited } from "./deployment-meter.ts";

const DEFAULT_MAX_WAITING = 1_000;
const DEFAULT_MAX_WAIT_MS = 30_000;
/** How often places that other processes hold are looked at. */
const LOOK_EVERY_MS = 100;
const RETRY_AFTER_MS = 1_000;
/** A longer wait is more than a timer takes. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** A call that waits until one of some deployments has room. */
export class Waiter {
  readonly call: Call;
  readonly priority: number;
  readonly tokens: number;
  readonly places: readonly Limited[];
  /** The deployment, with a claim on it. Rejects when the call is over, or waits for too long. */
  readonly room: Promise<Deployment>;
  /** On the scale of `performance.now()`. */
  readonly since: number = performance.now();
  /** What it was given. */
  claim: Claim | undefined;
  #resolve: ((deployment: Deployment) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  readonly #leaveRoom: (waiter: Waiter) => void;

  constructor(call: Call, priority: number, tokens: number, places: readonly Limited[], leave: (of: Waiter) => void) {
    this.call = call;
    this.priority = priority;
    this.tokens = tokens;
    this.places = places;
    this.#leaveRoom = leave;
    this.room = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // who asked for a second deployment beside a running one may no longer listen
    this.room.catch(() => undefined);
  }

  placeAt(meter: DeploymentMeter): Limited {
    return this.places.find((place) => place.meter === meter) as Limited;
  }

  serve(claim: Claim): void {
    const waitedMs = Math.round(performance.now() - this.since);
    const { id } = claim.limited.deployment;
    this.claim = claim;
    this.call.trace.note("route", `waited ${waitedMs} ms for room at "${id}"`);
    this.#settle(() => this.#resolve?.(claim.limited.deployment));
  }

  fail(error: unknown): void {
    this.#settle(() => this.#reject?.(error));
  }

  /** For `addEventListener`. */
  handleEvent(): void {
    this.fail(this.call.signal.reason);
  }

  #settle(tell: () => void): void {
    this.#leaveRoom(this);
    tell();
  }
}

/** What a waiting room needs to know of the limits. */
export interface WaitingRoomParts {
  /** Takes the place if there is one; else how many milliseconds it takes, as far as is known. */
  take(place: Limited, waiter: Waiter): Claim | number | undefined;
}

/**
 * Calls that wait for room at a deployment: at most so many, each at most so long. Served as soon as a place is given
 * back, lower priority numbers first, then in order of arrival. One timer for all.
 */
export class WaitingRoom {
  readonly #maxWaiting: number;
  readonly #maxWaitMs: number;
  readonly #take: WaitingRoomParts["take"];
  /** In order of arrival, which is the order in which their time is up. */
  readonly #waiters: Set<Waiter> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #timerAt: number = Number.POSITIVE_INFINITY;

  constructor({ maxWaiting, maxWaitMs }: QueueOptions, { take }: WaitingRoomParts) {
    this.#maxWaiting = maxWaiting ?? DEFAULT_MAX_WAITING;
    this.#maxWaitMs = maxWaitMs ?? DEFAULT_MAX_WAIT_MS;
    this.#take = take;
  }

  get isFull(): boolean {
    return this.#waiters.size >= this.#maxWaiting;
  }

  /** Undefined: it is full. */
  enter(call: Call, priority: number, tokens: number, places: readonly Limited[]): Waiter | undefined {
    if (this.isFull) return undefined;
    const waiter = new Waiter(call, priority, tokens, places, this.#leave);
    if (call.signal.aborted) {
      waiter.handleEvent();
      return waiter;
    }
    this.#waiters.add(waiter);
    for (const { meter } of places) meter.line.add(waiter);
    call.signal.addEventListener("abort", waiter, { once: true });
    call.trace.note("route", `waits for room at ${places.length} busy deployments: ${this.#waiters.size} calls wait`);
    const held = places.every((place) => place.meter.isFullHere(place));
    this.#wakeIn(held ? this.#maxWaitMs : Math.min(LOOK_EVERY_MS, this.#maxWaitMs));
    return waiter;
  }

  /** A place may be free: gives it to those who wait for it. */
  serve(meter: DeploymentMeter): void {
    for (;;) {
      const waiter = meter.line.first();
      if (waiter === undefined) return;
      const place = waiter.placeAt(meter);
      const taken = this.#take(place, waiter);
      if (typeof taken === "object") {
        waiter.serve(taken);
        continue;
      }
      // a place that is taken here wakes the room itself when it is given back
      if (taken !== undefined) this.#wakeIn(taken);
      else if (!meter.isFullHere(place)) this.#wakeIn(LOOK_EVERY_MS);
      return;
    }
  }

  readonly #leave = (waiter: Waiter): void => {
    if (!this.#waiters.delete(waiter)) return;
    for (const { meter } of waiter.places) meter.line.delete(waiter);
    waiter.call.signal.removeEventListener("abort", waiter);
    if (this.#waiters.size > 0) return;
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
  };

  #wakeIn(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (at >= this.#timerAt || this.#waiters.size === 0) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(this.#wake, Math.min(delayMs, LONGEST_TIMER_MS));
  }

  readonly #wake = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    const meters = new Set<DeploymentMeter>();
    for (const waiter of this.#waiters) {
      if (waiter.since + this.#maxWaitMs <= now) waiter.fail(this.#tooLong(waiter));
      else for (const { meter } of waiter.places) meters.add(meter);
    }
    for (const meter of meters) this.serve(meter);
    for (const { since } of this.#waiters) {
      this.#wakeIn(Math.max(0, Math.ceil(since + this.#maxWaitMs - now)));
      break;
    }
  };

  #tooLong({ call, places }: Waiter): GatewayError {
    const seconds = this.#maxWaitMs / 1_000;
    const model = JSON.stringify(places[0]?.deployment.model ?? call.model);
    return new GatewayError("overloaded", `no deployment of model ${model} had room within ${seconds} s`, {
      retryAfterMs: RETRY_AFTER_MS,
      // other models may have room
      retryable: true,
    });
  }
}
