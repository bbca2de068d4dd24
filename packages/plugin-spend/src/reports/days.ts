import { GatewayError } from "@signalbox/kernel";
import { Periods } from "@signalbox/kernel/ledger";

const DAY_MS = 86_400_000;
const DATE = /^(\d{4}-\d{2}-\d{2})$/;
const TIME = /^(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?$/;
/** Longer ranges are a mistake of whoever asks. */
const MOST_DAYS = 3_660;
const DEFAULT_DAYS = 30;

/** A time in a zone: epoch milliseconds, from inclusive, to exclusive. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly timezone: string;
}

/** Whether this names a time zone. */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** Whether a text is a day of the calendar, `2026-11-20`, or a moment of one. */
export function isDate(text: string): boolean {
  const day = (DATE.exec(text) ?? TIME.exec(text))?.[1];
  if (day === undefined) return false;
  const time = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== day) return false;
  return DATE.test(text) || !Number.isNaN(momentOf(text));
}

/** A moment without a zone is one of UTC. */
function momentOf(text: string): number {
  const moment = text.replace(" ", "T");
  return Date.parse(/(Z|[+-]\d{2}:\d{2})$/.test(moment) ? moment : `${moment}Z`);
}

/** The day that a moment is in. */
function dayOf(moment: number, timezone: string): string {
  return new Periods(timezone).periodOf({ duration: "1d" }, moment).id;
}

/** When a day of a zone begins and ends: 23, 24 or 25 hours. */
export function boundsOfDay(day: string, timezone: string): Pick<Range, "from" | "to"> {
  const periods = new Periods(timezone);
  const at = (moment: number): ReturnType<Periods["periodOf"]> => periods.periodOf({ duration: "1d" }, moment);
  let period = at(Date.parse(`${day}T12:00:00Z`));
  if (period.id > day) period = at(period.startsAt - 1);
  else if (period.id < day) period = at(period.endsAt ?? period.startsAt + DAY_MS);
  return { from: period.startsAt, to: period.endsAt ?? period.startsAt + DAY_MS };
}

/**
 * What a request's dates mean: whole days of its zone, both included. Without dates: the last thirty days, today included.
 * @throws {GatewayError} `invalid_request` naming the field
 */
export function rangeOf(
  asked: { readonly start_date?: string | undefined; readonly end_date?: string | undefined },
  timezone: string,
  now: number,
): Range {
  const { start_date: start, end_date: end } = asked;
  const to =
    end === undefined
      ? boundsOfDay(dayOf(now, timezone), timezone).to
      : DATE.test(end)
        ? boundsOfDay(end, timezone).to
        : momentOf(end) + 1;
  const from =
    start === undefined
      ? boundsOfDay(dayOf(to - 1 - (DEFAULT_DAYS - 1) * DAY_MS, timezone), timezone).from
      : DATE.test(start)
        ? boundsOfDay(start, timezone).from
        : momentOf(start);
  const fault = (param: string, message: string): GatewayError =>
    new GatewayError("invalid_request", `"${param}": ${message}`, { param });
  if (from >= to) {
    if (end === undefined) throw fault("start_date", "must not be in the future");
    throw fault("end_date", "must not be before start_date");
  }
  if (to - from > MOST_DAYS * DAY_MS) throw fault("start_date", `a range has at most ${MOST_DAYS} days`);
  return { from, to, timezone };
}
