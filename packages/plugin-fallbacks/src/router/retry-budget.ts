import type { Call, Deployment, ModelTable } from "@signalbox/kernel";

/** How much of the traffic may be retries. */
export interface RetryBudgetSettings {
  /** Retries per call. */
  readonly ratio: number;
  /** Allowed besides, so that little traffic can be retried too. */
  readonly minPerSecond: number;
  readonly windowMs: number;
}

const BUCKETS = 10;

/** Calls and retries of the last moments, in a ring of counters: adding and asking cost the same whatever happened. */
class RecentCounts {
  readonly #bucketMs: number;
  readonly #calls: number[] = new Array<number>(BUCKETS).fill(0);
  readonly #retries: number[] = new Array<number>(BUCKETS).fill(0);
  #bucket = 0;
  #callSum = 0;
  #retrySum = 0;

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / BUCKETS;
  }

  addCall(now: number): void {
    this.#advance(now);
    const at = this.#bucket % BUCKETS;
    this.#calls[at] = (this.#calls[at] as number) + 1;
    this.#callSum += 1;
  }

  addRetry(now: number): void {
    this.#advance(now);
    const at = this.#bucket % BUCKETS;
    this.#retries[at] = (this.#retries[at] as number) + 1;
    this.#retrySum += 1;
  }

  hasRoom(now: number, { ratio, minPerSecond, windowMs }: RetryBudgetSettings): boolean {
    this.#advance(now);
    return this.#retrySum + 1 <= this.#callSum * ratio + (minPerSecond * windowMs) / 1_000;
  }

  #advance(now: number): void {
    const bucket = Math.floor(now / this.#bucketMs);
    if (bucket <= this.#bucket) return;
    const past = Math.min(bucket - this.#bucket, BUCKETS);
    for (let step = 0; step < past; step++) {
      const at = (bucket - step) % BUCKETS;
      this.#callSum -= this.#calls[at] as number;
      this.#retrySum -= this.#retries[at] as number;
      this.#calls[at] = 0;
      this.#retries[at] = 0;
    }
    this.#bucket = bucket;
  }
}

/** Keeps retries from multiplying an outage: a share of the calls, of each model and of the whole gateway. */
export class RetryBudgets {
  readonly #settings: RetryBudgetSettings;
  readonly #models: ModelTable;
  readonly #now: () => number;
  readonly #gateway: RecentCounts;
  /** By the first deployment of a model: names that clients make up for a wildcard share one budget. */
  readonly #groups = new Map<string, RecentCounts>();
  #version: number;

  constructor(settings: RetryBudgetSettings, models: ModelTable, now: () => number) {
    this.#settings = settings;
    this.#models = models;
    this.#now = now;
    this.#gateway = new RecentCounts(settings.windowMs);
    this.#version = models.version;
  }

  /** A call has come in. */
  addCall(): void {
    this.#gateway.addCall(this.#now());
  }

  /** A call is about to be tried at the deployments of a model. */
  addEntry(group: string): void {
    this.#countsOf(group).addCall(this.#now());
  }

  /** Whether one more retry may be made there; it then counts as made. */
  take(group: string): boolean {
    const now = this.#now();
    const counts = this.#countsOf(group);
    if (!counts.hasRoom(now, this.#settings) || !this.#gateway.hasRoom(now, this.#settings)) return false;
    counts.addRetry(now);
    this.#gateway.addRetry(now);
    return true;
  }

  #countsOf(group: string): RecentCounts {
    if (this.#version !== this.#models.version) this.#forgetRemoved();
    let counts = this.#groups.get(group);
    if (counts === undefined) {
      counts = new RecentCounts(this.#settings.windowMs);
      this.#groups.set(group, counts);
    }
    return counts;
  }

  #forgetRemoved(): void {
    this.#version = this.#models.version;
    const ids = new Set(this.#models.all().map(({ id }) => id));
    for (const group of this.#groups.keys()) if (!ids.has(group)) this.#groups.delete(group);
  }
}

/** Whether one more retry may be made; the trace says so when not. */
export function takeRetry(budgets: RetryBudgets, group: string, { id }: Deployment, call: Call): boolean {
  if (budgets.take(group)) return true;
  call.trace.note("route", `no retry at "${id}": too many tries were retries lately`);
  return false;
}
