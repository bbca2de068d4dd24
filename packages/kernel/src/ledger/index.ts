export type { MemoryReservationsOptions } from "./memory-reservations.ts";
export { MemoryReservations } from "./memory-reservations.ts";
