import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { periodOf } from "@signalbox/kernel/ledger";

/** Among them zones whose clocks jump over midnight, or strike it twice. */
const ZONES = [
  "UTC",
  "America/New_York",
  "Europe/Berlin",
  "America/Havana",
  "America/Santiago",
  "Asia/Beirut",
  "Africa/Cairo",
  "Australia/Lord_Howe",
  "Pacific/Chatham",
  "Pacific/Apia",
  "Asia/Kathmandu",
  "America/St_Johns",
];
const FIRST = Date.UTC(2024, 0, 1);
const LAST = Date.UTC(2031, 0, 1);
const DAY_MS = 86_400_000;

/** The date on a calendar in that zone, as the platform says. */
function calendar(timezone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return (at) => format.format(at);
}

describe.each(ZONES)("in %s", (timezone) => {
  const date = calendar(timezone);

  it("a day is the date on the calendar, from its first millisecond to its last", () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (at) => {
        const { id, startsAt, endsAt } = periodOf({ duration: "1d", timezone }, at);
        expect(id).toBe(date(at));
        expect([startsAt <= at, at < Number(endsAt)]).toEqual([true, true]);
        expect([date(startsAt), date(Number(endsAt) - 1)]).toEqual([id, id]);
        expect(date(startsAt - 1)).not.toBe(id);
        expect(date(Number(endsAt))).not.toBe(id);
      }),
      { numRuns: 100 },
    );
  });

  it("every day that is shorter or longer than others begins and ends with its date", () => {
    let odd = 0;
    for (let at = FIRST; at < LAST; ) {
      const { id, startsAt, endsAt } = periodOf({ duration: "1d", timezone }, at);
      const end = Number(endsAt);
      if (end - startsAt !== DAY_MS) {
        odd++;
        expect([date(startsAt), date(end - 1)]).toEqual([id, id]);
        expect(date(startsAt - 1) < id && id < date(end)).toBe(true);
      }
      at = end;
    }
    const hasSummerTime = new Set(
      [Date.UTC(2026, 0, 1), Date.UTC(2026, 6, 1)].map((at) =>
        new Intl.DateTimeFormat("en", { timeZone: timezone, timeZoneName: "longOffset" })
          .format(at)
          .split("GMT")
          .at(-1),
      ),
    ).size;
    expect(odd > 0).toBe(hasSummerTime > 1);
  });

  it("a month begins with its first day", () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (at) => {
        const { id, startsAt, endsAt } = periodOf({ duration: "1mo", timezone }, at);
        expect(id).toBe(date(at).slice(0, 7));
        expect(date(startsAt)).toBe(`${id}-01`);
        expect(date(startsAt - 1).slice(0, 7)).not.toBe(id);
        expect(date(Number(endsAt)).slice(8)).toBe("01");
      }),
      { numRuns: 100 },
    );
  });
});
