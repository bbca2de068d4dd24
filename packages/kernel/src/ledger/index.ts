export type { Duration } from "./duration.ts";
export { parseDuration } from "./duration.ts";
export { lineKey, scopeKey } from "./line-key.ts";
export type { MemoryEntriesOptions } from "./memory-entries.ts";
export { MemoryEntries } from "./memory-entries.ts";
export type { MemoryReservationsOptions } from "./memory-reservations.ts";
export { MemoryReservations } from "./memory-reservations.ts";
export type { Period, PeriodRule } from "./periods.ts";
export { Periods, periodOf } from "./periods.ts";
