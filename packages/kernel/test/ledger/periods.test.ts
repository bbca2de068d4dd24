import { describe, expect, it } from "vitest";
import type { Period, PeriodRule } from "@signalbox/kernel/ledger";
import { Periods, parseDuration, periodOf } from "@signalbox/kernel/ledger";

const at = (text: string): number => Date.parse(text);
const iso = (instant: number | undefined): string | undefined =>
  instant === undefined ? undefined : new Date(instant).toISOString().replace(".000Z", "Z");

/** `[id, start, end]` */
function shown({ id, startsAt, endsAt }: Period): readonly unknown[] {
  return [id, iso(startsAt), iso(endsAt)];
}

describe("periodOf", () => {
  const cases: readonly (readonly [
    duration: string,
    zone: string,
    now: string,
    id: string,
    from: string,
    to: string,
  ])[] = [
    // calendar days
    ["1d", "UTC", "2026-11-20T23:59:59.999Z", "2026-11-20", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"],
    ["1d", "UTC", "2026-11-21T00:00:00Z", "2026-11-21", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"],
    ["1d", "Asia/Tokyo", "2026-11-20T15:00:00Z", "2026-11-21", "2026-11-20T15:00:00Z", "2026-11-21T15:00:00Z"],
    ["1d", "Asia/Kathmandu", "2026-11-20T18:14:59.999Z", "2026-11-20", "2026-11-19T18:15:00Z", "2026-11-20T18:15:00Z"],
    // a day of 23 hours, and one of 25
    ["1d", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
    ["1d", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
    ["1d", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
    ["1d", "America/New_York", "2026-03-08T07:00:00Z", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"],
    ["1d", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"],
    // half an hour of summer time
    ["1d", "Australia/Lord_Howe", "2026-10-03T15:00:00Z", "2026-10-04", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"],
    // clocks that jump over midnight: 00:00 becomes 01:00
    ["1d", "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"],
    [
      "1d",
      "America/Sao_Paulo",
      "2018-11-04T02:59:59.999Z",
      "2018-11-03",
      "2018-11-03T03:00:00Z",
      "2018-11-04T03:00:00Z",
    ],
    // and back: 24:00 becomes 23:00, midnight comes once
    ["1d", "America/Sao_Paulo", "2018-02-18T02:30:00Z", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"],
    // clocks that show midnight twice: 01:00 becomes 00:00
    ["1d", "America/Havana", "2026-11-01T05:30:00Z", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"],
    // clocks that go back over midnight: the day that began goes on
    ["1d", "America/Goose_Bay", "2010-11-07T03:30:00Z", "2010-11-07", "2010-11-07T03:00:00Z", "2010-11-08T04:00:00Z"],
    // a day that was left out
    ["1d", "Pacific/Apia", "2011-12-30T09:59:59.999Z", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"],
    ["1d", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"],
    // leap days
    ["1d", "UTC", "2028-02-29T12:00:00Z", "2028-02-29", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"],
    ["1mo", "UTC", "2028-02-29T12:00:00Z", "2028-02", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"],
    ["1mo", "UTC", "2100-02-28T12:00:00Z", "2100-02", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z"],
    // weeks from Monday, named after the year of their Thursday
    ["7d", "UTC", "2026-11-20T12:00:00Z", "2026-W47", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["1w", "UTC", "2026-11-22T23:59:59.999Z", "2026-W47", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["1w", "UTC", "2026-11-23T00:00:00Z", "2026-W48", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"],
    ["7d", "UTC", "2027-01-03T12:00:00Z", "2026-W53", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"],
    ["7d", "UTC", "2024-12-30T00:00:00Z", "2025-W01", "2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z"],
    ["7d", "Europe/Berlin", "2026-03-25T12:00:00Z", "2026-W13", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"],
    // months
    ["30d", "UTC", "2026-11-30T23:59:59.999Z", "2026-11", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"],
    ["1mo", "UTC", "2026-12-31T23:59:59.999Z", "2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["1mo", "America/New_York", "2026-11-01T03:59:59Z", "2026-10", "2026-10-01T04:00:00Z", "2026-11-01T04:00:00Z"],
    ["30d", "America/New_York", "2026-11-15T12:00:00Z", "2026-11", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"],
    ["1mo", "Pacific/Auckland", "2026-10-31T10:59:59Z", "2026-10", "2026-09-30T11:00:00Z", "2026-10-31T11:00:00Z"],
    // several of them
    ["3mo", "UTC", "2026-11-20T12:00:00Z", "2026-10+3mo", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["2w", "UTC", "2026-11-20T12:00:00Z", "2026-W47+2w", "2026-11-16T00:00:00Z", "2026-11-30T00:00:00Z"],
    ["2d", "UTC", "2026-11-20T12:00:00Z", "2026-11-19+2d", "2026-11-19T00:00:00Z", "2026-11-21T00:00:00Z"],
    // rolling windows; zones mean nothing to them
    ["30s", "UTC", "2026-11-20T12:00:59Z", "59839201", "2026-11-20T12:00:30Z", "2026-11-20T12:01:00Z"],
    ["30m", "Asia/Kathmandu", "2026-11-20T12:00:00Z", "997320", "2026-11-20T12:00:00Z", "2026-11-20T12:30:00Z"],
    ["30h", "UTC", "2026-11-20T12:00:00Z", "16622", "2026-11-20T12:00:00Z", "2026-11-21T18:00:00Z"],
  ];
  for (const [duration, timezone, now, ...expected] of cases) {
    it(`${duration} in ${timezone} at ${now}`, () => {
      expect(shown(periodOf({ duration, timezone }, at(now)))).toEqual(expected);
    });
  }

  it("is for ever without a duration", () => {
    expect(periodOf({}, at("2026-11-20T12:00:00Z"))).toEqual({ id: "all", startsAt: 0 });
  });

  const zones = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Santiago",
    "Pacific/Chatham",
  ];
  for (const timezone of zones) {
    it(`leaves no gap and no overlap in ${timezone}`, () => {
      for (const duration of ["1d", "7d", "1mo", "2d"]) {
        let now = at("2025-12-31T12:00:00Z");
        const seen = new Set<string>();
        while (now < at("2028-03-02T00:00:00Z")) {
          const period = periodOf({ duration, timezone }, now);
          expect(period.startsAt).toBeLessThanOrEqual(now);
          expect(period.endsAt).toBeGreaterThan(now);
          expect(seen.has(period.id)).toBe(false);
          seen.add(period.id);
          const end = period.endsAt as number;
          expect(periodOf({ duration, timezone }, end - 1)).toEqual(period);
          expect(periodOf({ duration, timezone }, end).startsAt).toBe(end);
          now = duration === "1d" || duration === "2d" ? end + 20 * 86_400_000 : end;
        }
      }
    }, 20_000);
  }
});

describe("Periods", () => {
  it("takes the zone of rules without one", () => {
    const periods = new Periods("Asia/Tokyo");
    expect(periods.periodOf({ duration: "1d" }, at("2026-11-20T16:00:00Z")).id).toBe("2026-11-21");
    expect(periods.periodOf({ duration: "1d", timezone: "UTC" }, at("2026-11-20T16:00:00Z")).id).toBe("2026-11-20");
    expect(periods.periodOf({ duration: "1d" }, at("2026-11-20T14:59:59Z")).id).toBe("2026-11-20");
  });

  it("remembers: a call costs less than a microsecond", () => {
    const periods = new Periods();
    const rule: PeriodRule = { duration: "1d", timezone: "Europe/Berlin" };
    const now = at("2026-11-20T12:00:00Z");
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 20; round++) {
      const start = performance.now();
      for (let index = 0; index < 10_000; index++) periods.periodOf(rule, now + index);
      best = Math.min(best, (performance.now() - start) / 10_000);
    }
    expect(best).toBeLessThan(0.001);
  });

  it("refuses zones that do not exist", () => {
    expect(() => new Periods("Mars/Olympus")).toThrow(
      'not a time zone: "Mars/Olympus"; write an IANA name such as Europe/Berlin',
    );
    expect(() => periodOf({ duration: "1d", timezone: "" }, 0)).toThrow(/not a time zone/);
  });
});

describe("parseDuration", () => {
  it("reads a number and a unit", () => {
    expect(parseDuration("30s")).toEqual({ count: 30, unit: "s" });
    expect(parseDuration("1mo")).toEqual({ count: 1, unit: "mo" });
  });

  for (const text of ["", "30", "d", "0d", "-1d", "1.5h", "1 d", "30D", "1y", "1month", "1d1h", "01d", "9999999s"]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseDuration(text)).toThrow(
        `not a duration: ${JSON.stringify(text)}; write it like 30s, 30m, 24h, 1d, 7d, 1w, 30d or 1mo`,
      );
    });
  }
});
