const DAY_MS = 86_400_000;

/** Wall clocks of one time zone, by the rules that the runtime has for it. */
export class WallClock {
  /** Undefined for UTC: no rules are needed there, and none of the runtime's tables, which cost each start 13 ms. */
  readonly #format: Intl.DateTimeFormat | undefined;

  /** @throws {RangeError} when there is no such zone */
  constructor(zone: string) {
    if (zone === "UTC") return;
    try {
      this.#format = new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        calendar: "gregory",
        numberingSystem: "latn",
        hourCycle: "h23",
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
      });
    } catch (cause) {
      throw new RangeError(`not a time zone: ${JSON.stringify(zone)}; write an IANA name such as Europe/Berlin`, {
        cause,
      });
    }
  }

  /** What the clock on the wall shows, as if that were UTC: epoch milliseconds, to the second. */
  shown(instant: number): number {
    if (this.#format === undefined) return Math.floor(instant / 1_000) * 1_000;
    const shown: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(instant)) shown[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  }

  /** The calendar day of an instant, counted from 1970-01-01. A day that began stays, even when clocks go back over midnight. */
  dayOf(instant: number): number {
    const day = Math.floor(this.shown(instant) / DAY_MS);
    return instant >= this.startOf(day + 1) ? day + 1 : day;
  }

  /** The instant in which a day begins: midnight; its first one when clocks show two; where they jump over it, the jump. */
  startOf(day: number): number {
    const midnight = day * DAY_MS;
    const before = this.#offset(midnight - DAY_MS);
    const after = this.#offset(midnight + DAY_MS);
    const early = midnight - Math.max(before, after);
    const late = midnight - Math.min(before, after);
    if (this.shown(early) === midnight) return early;
    if (this.shown(late) === midnight) return late;
    return this.#jump(early, late, before);
  }

  #offset(instant: number): number {
    return this.shown(instant) - Math.floor(instant / 1_000) * 1_000;
  }

  /** The first instant after `from` with another offset than `before`. */
  #jump(from: number, to: number, before: number): number {
    let [same, other] = [from - 1_000, to];
    while (other - same > 1_000) {
      const middle = same + Math.floor((other - same) / 2_000) * 1_000;
      if (this.#offset(middle) === before) same = middle;
      else other = middle;
    }
    return other;
  }
}
