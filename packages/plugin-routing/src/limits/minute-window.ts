import type { SharedState } from "@signalbox/kernel";
import { SharedCount } from "../strategies/shared-count.ts";

const MINUTE_MS = 60_000;

/** A minute's count is looked at until the end of the next one. */
const KEPT_MS = 2 * MINUTE_MS;

/**
 * What was used of an allowance per minute, in minutes of the clock, by all processes of a gateway. Never more than the
 * allowance is used within a minute of the clock. The minute before counts as well, by the part of it that lies less
 * than 60 s back, as if it had been used evenly: so what is used up at the end of a minute is not given out again at
 * once, and a steady load is spread over the minute.
 */
export class MinuteWindow {
  readonly #prefix: string;
  #minute = Number.NEGATIVE_INFINITY;
  #present: SharedCount;
  #past: SharedCount;

  /** @param prefix topic and name: `limits/requests/openai-eu` */
  constructor(state: SharedState, prefix: string) {
    this.#prefix = prefix;
    this.#present = new SharedCount(state, prefix, KEPT_MS);
    this.#past = new SharedCount(state, prefix, KEPT_MS);
  }

  /**
   * Milliseconds until so much fits, if nobody else uses any; 0: it fits now. What is larger than the limit itself fits
   * into an empty minute.
   */
  waitMs(amount: number, limit: number, now: number): number {
    this.#turn(now);
    const present = this.#present.total(now);
    const past = this.#past.total(now);
    const elapsedMs = now - this.#minute * MINUTE_MS;
    if (present === 0 || present + amount <= limit) {
      if (past * (1 - elapsedMs / MINUTE_MS) + present < limit) return 0;
      return fadedMs(past, limit - present) - elapsedMs;
    }
    return MINUTE_MS - elapsedMs + fadedMs(present, limit);
  }

  /** Uses so much; less than nothing gives back. */
  add(amount: number, now: number): void {
    this.#turn(now);
    this.#present.add(amount, now);
  }

  /** Changes what was used in the minute of `at`. Of older minutes nobody asks any more. */
  correct(amount: number, at: number, now: number): void {
    this.#turn(now);
    const minutes = this.#minute - Math.floor(at / MINUTE_MS);
    if (minutes <= 0) this.#present.add(amount, now);
    else if (minutes === 1) this.#past.add(amount, now);
  }

  #turn(now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    if (minute === this.#minute) return;
    const spare = this.#past;
    this.#past = this.#present;
    this.#present = spare;
    this.#present.restart(`${this.#prefix}/${minute}`);
    if (minute !== this.#minute + 1) this.#past.restart(`${this.#prefix}/${minute - 1}`);
    this.#minute = minute;
  }
}

/** When a minute that used so much counts for less than `room` in the next one: milliseconds from its start. */
function fadedMs(used: number, room: number): number {
  return used < room ? 0 : Math.floor((1 - room / used) * MINUTE_MS) + 1;
}
