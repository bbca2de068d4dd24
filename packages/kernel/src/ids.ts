import { randomUUID } from "node:crypto";

/** Where the random part of a UUID begins, after `xxxxxxxx-xxxx-v`. */
const RANDOM_FROM = 15;

/** Makes version 7 UUIDs: sortable by time to the millisecond, random otherwise (RFC 9562, section 5.7). */
export class IdSource {
  #millisecond = -1;
  #prefix = "";

  next(now: number = Date.now()): string {
    if (now !== this.#millisecond) {
      const time = now.toString(16).padStart(12, "0");
      this.#prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
      this.#millisecond = now;
    }
    // Node keeps a stock of random bytes for this function; the variant bits are where version 7 wants them.
    return this.#prefix + randomUUID().slice(RANDOM_FROM);
  }
}
