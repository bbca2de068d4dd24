import type { LimitShare, SharedState } from "@signalbox/kernel";

/*
 * How a limit of a team or an organisation is shared out among its dynamic keys.
 *
 * A key is active when it has asked within the last minute, the period of the limits: also in vain, since that is what it
 * wants a share for. Its share is the whole limit times its weight over the weights of all active keys, so that what idle
 * keys leave is everybody's, and a key that comes back has its share with its first call: the others' get smaller at once,
 * and what they have used beyond that runs off within a minute.
 *
 * The shares add up to the limit at most, but for the least of one unit that everybody has. The limit itself does not
 * depend on them: it is a counter of its own, taken together with the share, exact over all processes. What several
 * processes know of who is active may differ for a moment; then shares do not add up, and the limit still holds.
 *
 * In memory: keys by the time of their last call, the oldest first, with the sum of the weights beside them. Every
 * operation costs the same, however many keys there are; a key that is idle costs nothing, and is forgotten after a minute.
 * Over processes: whoever sees a key active says so in the shared state, at most every 20 seconds; the others are told.
 * No call waits for that, and no store is asked.
 */

const PREFIX = "limits/active/";
const ACTIVE_MS = 60_000;
const TELL_MS = 20_000;
const SWEPT_PER_USE = 2;

interface Active {
  weight: number;
  until: number;
  /** When other processes were told last. */
  toldAt: number;
}

interface Group {
  /** Oldest first. */
  readonly keys: Map<string, Active>;
  weights: number;
}

/** Names of a share, made once for many calls. */
export interface NamedShare extends LimitShare {
  readonly group: string;
  readonly member: string;
}

/** Who is active, and what share that gives them. */
export class ActiveShares {
  readonly #now: () => number;
  readonly #groups = new Map<string, Group>();
  #state: SharedState | undefined;
  #stop: (() => void) | undefined;
  #hand: Iterator<[string, Group]> = this.#groups.entries();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many keys are remembered. */
  get size(): number {
    let size = 0;
    for (const { keys } of this.#groups.values()) size += keys.size;
    return size;
  }

  /** From now on with the other processes that share a state. */
  join(state: SharedState): void {
    this.#state = state;
    this.#stop = state.watch(PREFIX, (key, value) => {
      const [group, member] = key.slice(PREFIX.length).split("|");
      if (group === undefined || member === undefined || typeof value !== "number" || !(value > 0)) return;
      this.#touch(group, member, value, this.#now());
    });
  }

  /** The share of a limit that somebody has who asks now, in whole units. */
  of({ group, member, weight, least = 0 }: NamedShare, limit: number): number {
    const now = this.#now();
    const active = this.#touch(group, member, weight, now);
    if (this.#state !== undefined && now - active.toldAt >= TELL_MS) {
      active.toldAt = now;
      this.#state.set(`${PREFIX}${group}|${member}`, weight, ACTIVE_MS);
    }
    this.#sweep(now);
    if (limit === 0) return 0;
    const { weights } = this.#groups.get(group) as Group;
    return Math.min(limit, Math.max(1, least, Math.floor((limit * weight) / weights)));
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#state = undefined;
  }

  #touch(name: string, member: string, weight: number, now: number): Active {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { keys: new Map(), weights: 0 };
      this.#groups.set(name, group);
    }
    const { keys } = group;
    const known = keys.get(member);
    const active = known ?? { weight: 0, until: 0, toldAt: Number.NEGATIVE_INFINITY };
    group.weights += weight - active.weight;
    active.weight = weight;
    active.until = now + ACTIVE_MS;
    if (known !== undefined) keys.delete(member);
    keys.set(member, active);
    forget(group, now);
    return active;
  }

  /** Groups that nobody asks for any more make room. */
  #sweep(now: number): void {
    for (let count = 0; count < SWEPT_PER_USE; count++) {
      const step = this.#hand.next();
      if (step.done === true) {
        this.#hand = this.#groups.entries();
        return;
      }
      const [name, group] = step.value;
      forget(group, now);
      if (group.keys.size === 0) this.#groups.delete(name);
    }
  }
}

function forget(group: Group, now: number): void {
  for (const [member, { until, weight }] of group.keys) {
    if (until > now) return;
    group.keys.delete(member);
    group.weights -= weight;
  }
}
