import { createHmac, randomBytes } from "node:crypto";
import { RecentMap } from "../../gateway/recent-map.ts";

/** How long and how many answers of a service are kept. */
export interface VerdictCacheOptions {
  /** Default 10,000. */
  readonly entries?: number;
  /** Default 300,000. */
  readonly ttlMs?: number;
}

/** Answers of one guardrail, by digests of texts under a key of its own: no text can be read or guessed from them. */
export class VerdictCache<Answer> {
  readonly #key: Buffer = randomBytes(32);
  readonly #ttlMs: number;
  readonly #kept: RecentMap<{ readonly answer: Answer; readonly until: number }>;

  constructor({ entries = 10_000, ttlMs = 300_000 }: VerdictCacheOptions) {
    this.#ttlMs = ttlMs;
    this.#kept = new RecentMap(entries);
  }

  digest(facts: readonly string[]): string {
    return createHmac("sha256", this.#key).update(JSON.stringify(facts)).digest("base64");
  }

  get(digest: string, now: number = performance.now()): Answer | undefined {
    const found = this.#kept.get(digest);
    return found !== undefined && found.until > now ? found.answer : undefined;
  }

  set(digest: string, answer: Answer, now: number = performance.now()): void {
    this.#kept.set(digest, { answer, until: now + this.#ttlMs });
  }
}
