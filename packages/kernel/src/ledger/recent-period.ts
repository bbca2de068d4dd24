/** Periods are named by their first day; several months are the longest that people write. */
const LONGEST_MS = 100 * 86_400_000;

/** Whether a period may still be charged, or was until lately. Those without a date may always. */
export function isRecentPeriod(period: string, now: number): boolean {
  const [, year, week] = /^(\d{4})-W(\d{2})$/.exec(period) ?? [];
  const from = year === undefined ? Date.parse(period) : Date.UTC(Number(year), 0, 4 + 7 * (Number(week) - 1));
  const dated = year !== undefined || /^\d{4}-\d{2}(-\d{2})?$/.test(period);
  return !dated || from + LONGEST_MS > now;
}
