import { describe, expect, it } from "vitest";
import type { SharedState, StateListener } from "@signalbox/kernel";
import { MemoryState } from "@signalbox/kernel";
import { testSharedState } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

type Fault =
  | "deaf"
  | "forgets deletions"
  | "ignores the time"
  | "keeps the first time"
  | "own sums only"
  | "parts never end"
  | "comes empty"
  | "tells of its own writes"
  | "tells everything"
  | "goes on telling"
  | "late at home"
  | "objects for maps"
  | "sums without a floor";

interface Part {
  amount: number;
  until: number;
}

/** One member of a group that tells each other everything, a moment later. */
class Told implements SharedState {
  readonly #group: Set<Told>;
  readonly #fault: Fault | undefined;
  readonly #values = new Map<string, { readonly value: unknown; readonly until: number }>();
  readonly #parts = new Map<Told, Map<string, Part>>();
  readonly #watchers = new Set<readonly [string, StateListener]>();

  constructor(group: Set<Told>, fault: Fault | undefined) {
    const [elder] = group;
    this.#group = group;
    this.#fault = fault;
    group.add(this);
    if (elder === undefined || fault === "comes empty") return;
    for (const [key, kept] of elder.#values) this.#values.set(key, kept);
    for (const [owner, parts] of elder.#parts) this.#parts.set(owner, new Map(parts));
  }

  get(key: string): unknown {
    if (this.#fault === "objects for maps" && key in {}) return {}[key as never];
    const kept = this.#values.get(key);
    if (kept === undefined) return undefined;
    return kept.until > performance.now() || this.#fault === "ignores the time" ? kept.value : undefined;
  }

  set(key: string, value: unknown, ttlMs: number): void {
    const before = this.#fault === "keeps the first time" ? this.#values.get(key) : undefined;
    const kept = { value, until: before?.until ?? performance.now() + ttlMs };
    if (this.#fault === "late at home") setTimeout(() => this.#values.set(key, kept), 1);
    else this.#values.set(key, kept);
    if (this.#fault === "tells of its own writes") this.#tell(key, value);
    this.#others((other) => {
      other.#values.set(key, kept);
      other.#tell(key, value);
    });
  }

  delete(key: string): void {
    this.#values.delete(key);
    this.#others((other) => {
      if (this.#fault === "forgets deletions") return;
      other.#values.delete(key);
      other.#tell(key, undefined);
    });
  }

  add(key: string, amount: number, ttlMs: number): void {
    const parts = this.#parts.get(this) ?? new Map<string, Part>();
    this.#parts.set(this, parts);
    const before = parts.get(key);
    const rest = before !== undefined && this.#lives(before) ? before.amount : 0;
    const part = { amount: rest + amount, until: performance.now() + ttlMs };
    if (this.#fault === "sums without a floor") part.amount = Math.max(0, part.amount);
    parts.set(key, part);
    this.#others((other) => {
      const known = other.#parts.get(this) ?? new Map<string, Part>();
      known.set(key, part);
      other.#parts.set(this, known);
    });
  }

  sum(key: string): number {
    let sum = 0;
    for (const [owner, parts] of this.#parts) {
      const part = parts.get(key);
      if (this.#fault === "own sums only" && owner !== this) continue;
      if (part !== undefined && this.#lives(part)) sum += part.amount;
    }
    return sum;
  }

  watch(prefix: string, listener: StateListener): () => void {
    const watcher = [this.#fault === "tells everything" ? "" : prefix, listener] as const;
    for (const key of this.#values.keys()) {
      const value = this.get(key);
      if (key.startsWith(watcher[0]) && value !== undefined) listener(key, value);
    }
    this.#watchers.add(watcher);
    return () => void (this.#fault === "goes on telling" || this.#watchers.delete(watcher));
  }

  #lives({ until }: Part): boolean {
    return until > performance.now() || this.#fault === "parts never end";
  }

  #tell(key: string, value: unknown): void {
    for (const [prefix, listener] of this.#watchers) if (key.startsWith(prefix)) listener(key, value);
  }

  #others(change: (other: Told) => void): void {
    if (this.#fault === "deaf") return;
    setTimeout(() => {
      for (const other of this.#group) if (other !== this) change(other);
    }, 2);
  }
}

const group = (fault?: Fault) => {
  const members = new Set<Told>();
  return { open: (): SharedState => new Told(members, fault) };
};

describe("testSharedState on states that are right", () => {
  const runner = { describe, it };
  describe("memory", () =>
    testSharedState({ runner, store: () => ({ open: () => new MemoryState() }), capabilities: { shared: false } }));
  describe("told", () => testSharedState({ runner, store: () => group(), settleMs: 200 }));
});

describe("testSharedState on states that are wrong", () => {
  const wrong: Readonly<Record<Fault, RegExp>> = {
    deaf: /shows other processes what was written/,
    "forgets deletions": /shows other processes what was written/,
    "ignores the time": /forgets a value when its time is over/,
    "keeps the first time": /forgets a value when its time is over/,
    "own sums only": /sums up the parts/,
    "parts never end": /forgets a part of a sum/,
    "comes empty": /comes later/,
    "tells of its own writes": /at once what is there/,
    "tells everything": /at once what is there/,
    "goes on telling": /of other processes' writes/,
    "late at home": /answers what was written, at once/,
    "objects for maps": /takes any name/,
    "sums without a floor": /adds up and takes away/,
  };

  it.each(Object.entries(wrong))("catches one that %s", async (fault, match) => {
    const runner = fakeRunner();
    testSharedState({ runner, store: () => group(fault as Fault), settleMs: 100 });
    expect(await failuresOf(runner.cases, match)).toHaveLength(1);
  });

  it("catches a memory that says it is shared, in every case about others", async () => {
    const runner = fakeRunner();
    testSharedState({ runner, store: () => ({ open: () => new MemoryState() }), settleMs: 50 });
    expect(await failuresOf(runner.cases, /process|sums up/)).toHaveLength(5);
  });

  it("shows what is left out, and closes what it opened", async () => {
    const runner = fakeRunner();
    const closed: string[] = [];
    const state = Object.assign(new MemoryState(), { close: () => void closed.push("state") });
    testSharedState({
      runner,
      store: () => ({ open: () => state, close: () => void closed.push("store") }),
      capabilities: { shared: false },
    });
    await runner.cases[0]?.body();
    expect(closed).toEqual(["state", "store"]);
    expect(runner.skipped).toHaveLength(5);
    expect(runner.skipped[0]).toMatch(/declared: no shared/);
  });
});
