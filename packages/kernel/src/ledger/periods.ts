import type { BudgetRule } from "../budget.ts";
import type { Duration } from "./duration.ts";
import { parseDuration } from "./duration.ts";
import { WallClock } from "./wall-clock.ts";

/** A time in which a budget counts. */
export interface Period {
  /** `2026-11-20`, `2026-W47`, `2026-11`, the number of a rolling window, or `all`. */
  readonly id: string;
  /** Epoch milliseconds, inclusive. 0 without a duration. */
  readonly startsAt: number;
  /** Epoch milliseconds, exclusive. Undefined: it never ends. */
  readonly endsAt?: number;
}

/** Of a `BudgetRule`, what a period depends on. */
export type PeriodRule = Pick<BudgetRule, "duration" | "timezone">;

const DAY_MS = 86_400_000;
const ROLLING_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
/** 1970-01-01 was a Thursday, three days after a Monday. */
const DAYS_SINCE_MONDAY = 3;
const FOR_EVER: Period = { id: "all", startsAt: 0 };
/** Rules differ in few durations and zones; more than this are not worth remembering. */
const MAXIMUM_REMEMBERED = 1_000;

/**
 * Tells the period that an instant belongs to. Days, weeks (from Monday) and months are those of the calendar in the
 * rule's zone: a day may have 23 or 25 hours. `7d` is `1w`, `30d` is `1mo`. Seconds, minutes and hours roll:
 * `floor(epoch / length)`; several days, weeks or months are counted from 1970. Remembers the current period of each kind of rule.
 */
export class Periods {
  readonly #timezone: string;
  readonly #clocks = new Map<string, WallClock>();
  /** Zone → duration → the period asked for last. */
  readonly #last = new Map<string, Map<string, Period>>();
  #remembered = 0;

  /** The zone of rules without one. */
  constructor(timezone: string = "UTC") {
    this.#timezone = timezone;
    this.#clock(timezone);
  }

  /** @throws {RangeError} when the duration or the zone is none */
  periodOf({ duration, timezone = this.#timezone }: PeriodRule, now: number): Period {
    if (duration === undefined) return FOR_EVER;
    const last = this.#last.get(timezone)?.get(duration);
    if (last?.endsAt !== undefined && now >= last.startsAt && now < last.endsAt) return last;
    const period = this.#find(parseDuration(duration), timezone, now);
    this.#remember(timezone, duration, period);
    return period;
  }

  #find({ count, unit }: Duration, timezone: string, now: number): Period {
    if (unit === "s" || unit === "m" || unit === "h") {
      const length = count * ROLLING_MS[unit];
      const index = Math.floor(now / length);
      return { id: String(index), startsAt: index * length, endsAt: (index + 1) * length };
    }
    const clock = this.#clock(timezone);
    const day = clock.dayOf(now);
    const months = unit === "mo" ? count : unit === "d" && count === 30 ? 1 : undefined;
    if (months !== undefined) return monthsOf(clock, day, months);
    const weeks = unit === "w" ? count : unit === "d" && count === 7 ? 1 : undefined;
    if (weeks !== undefined) return weeksOf(clock, day, weeks);
    const first = Math.floor(day / count) * count;
    const id = count === 1 ? dateOf(first) : `${dateOf(first)}+${count}d`;
    return { id, startsAt: clock.startOf(first), endsAt: clock.startOf(first + count) };
  }

  #clock(timezone: string): WallClock {
    const known = this.#clocks.get(timezone);
    if (known !== undefined) return known;
    const clock = new WallClock(timezone);
    if (this.#clocks.size >= MAXIMUM_REMEMBERED) this.#clocks.clear();
    this.#clocks.set(timezone, clock);
    return clock;
  }

  #remember(timezone: string, duration: string, period: Period): void {
    if (this.#remembered >= MAXIMUM_REMEMBERED) {
      this.#last.clear();
      this.#remembered = 0;
    }
    const durations = this.#last.get(timezone) ?? new Map<string, Period>();
    if (!durations.has(duration)) this.#remembered++;
    durations.set(duration, period);
    this.#last.set(timezone, durations);
  }
}

/** The period of a rule at an instant, for callers that ask seldom. `Periods` remembers, and takes a default zone. */
export function periodOf(rule: PeriodRule, now: number): Period {
  return new Periods().periodOf(rule, now);
}

function monthsOf(clock: WallClock, day: number, count: number): Period {
  const date = new Date(day * DAY_MS);
  const months = date.getUTCFullYear() * 12 + date.getUTCMonth();
  const first = Math.floor(months / count) * count;
  const dayOf = (month: number): number => Date.UTC(Math.floor(month / 12), month % 12, 1) / DAY_MS;
  const id = dateOf(dayOf(first)).slice(0, 7);
  return {
    id: count === 1 ? id : `${id}+${count}mo`,
    startsAt: clock.startOf(dayOf(first)),
    endsAt: clock.startOf(dayOf(first + count)),
  };
}

function weeksOf(clock: WallClock, day: number, count: number): Period {
  const week = Math.floor((day + DAYS_SINCE_MONDAY) / 7);
  const monday = Math.floor(week / count) * count * 7 - DAYS_SINCE_MONDAY;
  const id = weekName(monday);
  return {
    id: count === 1 ? id : `${id}+${count}w`,
    startsAt: clock.startOf(monday),
    endsAt: clock.startOf(monday + count * 7),
  };
}

/** A week belongs to the year of its Thursday (ISO 8601). */
function weekName(monday: number): string {
  const thursday = monday + 3;
  const year = new Date(thursday * DAY_MS).getUTCFullYear();
  const number = Math.floor((thursday - Date.UTC(year, 0, 1) / DAY_MS) / 7) + 1;
  return `${year}-W${String(number).padStart(2, "0")}`;
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
