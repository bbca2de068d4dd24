import { describe, expect, it } from "vitest";
import { boundsOfDay, isDate, rangeOf } from "../src/reports/days.ts";

const iso = ({ from, to }: { readonly from: number; readonly to: number }): readonly string[] =>
  [from, to].map((at) => new Date(at).toISOString());

describe("a day of a zone", () => {
  it.each<[string, string, string, string]>([
    ["2026-11-20", "UTC", "2026-11-20T00:00:00.000Z", "2026-11-21T00:00:00.000Z"],
    ["2026-11-20", "Africa/Johannesburg", "2026-11-19T22:00:00.000Z", "2026-11-20T22:00:00.000Z"],
    // 23 hours, 25 hours
    ["2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"],
    ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"],
    ["2026-11-20", "Pacific/Kiritimati", "2026-11-19T10:00:00.000Z", "2026-11-20T10:00:00.000Z"],
    ["2026-11-20", "Pacific/Niue", "2026-11-20T11:00:00.000Z", "2026-11-21T11:00:00.000Z"],
    ["2026-11-20", "Asia/Kathmandu", "2026-11-19T18:15:00.000Z", "2026-11-20T18:15:00.000Z"],
  ])("%s in %s", (day, zone, from, to) => {
    expect(iso(boundsOfDay(day, zone))).toEqual([from, to]);
  });
});

describe("dates", () => {
  it.each(["2026-02-29", "2026-13-01", "20261120", "2026-11-20T25:00:00Z", "now", "", "2026-11-20x"])(
    "are not %j",
    (text) => expect(isDate(text)).toBe(false),
  );
  it.each(["2028-02-29", "2026-11-20T08:00:00Z", "2026-11-20 08:00:00", "2026-11-20T08:00:00.5+02:00"])(
    "are %j",
    (text) => expect(isDate(text)).toBe(true),
  );

  const now = Date.parse("2026-11-20T12:00:00Z");
  const range = (start_date: string | undefined, end_date?: string, zone: string = "UTC"): readonly string[] =>
    iso(rangeOf({ start_date, end_date }, zone, now));

  it("make ranges of whole days, both included", () => {
    expect(range("2026-11-18", "2026-11-19")).toEqual(["2026-11-18T00:00:00.000Z", "2026-11-20T00:00:00.000Z"]);
    expect(range("2026-11-18")).toEqual(["2026-11-18T00:00:00.000Z", "2026-11-21T00:00:00.000Z"]);
    expect(range(undefined)).toEqual(["2026-10-22T00:00:00.000Z", "2026-11-21T00:00:00.000Z"]);
    expect(range(undefined, "2026-03-29", "Europe/Berlin")).toEqual([
      "2026-02-27T23:00:00.000Z",
      "2026-03-29T22:00:00.000Z",
    ]);
  });

  it("make ranges of moments; without a zone those of UTC", () => {
    expect(range("2026-11-18T08:00:00+02:00", "2026-11-18 07:00:00")).toEqual([
      "2026-11-18T06:00:00.000Z",
      "2026-11-18T07:00:00.001Z",
    ]);
  });
});
