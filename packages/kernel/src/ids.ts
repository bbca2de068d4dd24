import { randomFillSync } from "node:crypto";

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const POOL_BYTES = 8192;
const RANDOM_BYTES = 10;

/** Makes version 7 UUIDs: sortable by time to the millisecond, random otherwise (RFC 9562, section 5.7). */
export class IdSource {
  readonly #pool = new Uint8Array(POOL_BYTES);
  #offset = POOL_BYTES;

  next(now: number = Date.now()): string {
    if (this.#offset + RANDOM_BYTES > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#offset = 0;
    }
    const pool = this.#pool;
    const at = this.#offset;
    this.#offset += RANDOM_BYTES;
    const time = now.toString(16).padStart(12, "0");
    const hex = (index: number): string => HEX[pool[at + index] ?? 0] ?? "00";
    const version = HEX[0x70 | ((pool[at] ?? 0) & 0x0f)];
    const variant = HEX[0x80 | ((pool[at + 2] ?? 0) & 0x3f)];
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}${hex(1)}-${variant}${hex(3)}-${hex(4)}${hex(5)}${hex(6)}${hex(7)}${hex(8)}${hex(9)}`;
  }
}
