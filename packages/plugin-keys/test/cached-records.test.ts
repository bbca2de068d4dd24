import { describe, expect, it } from "vitest";
import type { RecordCollection, StoredRecord } from "@signalbox/kernel";
import { CachedRecords } from "../src/auth/cached-records.ts";
import { StoreGuard } from "../src/auth/store-guard.ts";

interface Setup {
  readonly cached: CachedRecords<StoredRecord>;
  readonly loads: string[];
  tell(id: string): void;
  answer: (name: string) => Promise<StoredRecord | undefined>;
  now: number;
}

function setup(size = 10): Setup {
  let listener: (id: string) => void = () => undefined;
  const collection = {
    watch(given: (id: string) => void) {
      listener = given;
      return () => undefined;
    },
  } as unknown as RecordCollection<StoredRecord>;
  const made: Omit<Setup, "cached"> = {
    loads: [],
    tell: (id) => listener(id),
    answer: async (name) => ({ id: name }),
    now: 1_000,
  };
  const now = (): number => made.now;
  const load = (name: string): Promise<StoredRecord | undefined> => {
    made.loads.push(name);
    return made.answer(name);
  };
  const parts = { guard: new StoreGuard(50, now), times: { ttlMs: 60, maxAgeMs: 300, size }, now };
  return Object.assign(made, { cached: new CachedRecords(collection, load, parts, () => undefined) });
}

describe("copies of records", () => {
  it("that may be outdated are asked for again, and used meanwhile if nobody answers", async () => {
    const it_ = setup();
    await it_.cached.get("a");
    it_.tell("*");
    await it_.cached.get("a");
    expect(it_.loads).toEqual(["a", "a"]);
    it_.tell("*");
    it_.answer = () => Promise.reject(new Error("connection refused"));
    expect(await it_.cached.get("a")).toEqual({ id: "a" });
    it_.now += 301;
    await expect(it_.cached.get("a")).rejects.toMatchObject({ code: "auth_unavailable" });
  });

  it("that were being read while they changed are read again", async () => {
    const it_ = setup();
    let first = true;
    it_.answer = async (name) => {
      const old = first;
      first = false;
      if (old) it_.tell("a");
      return { id: name, old };
    };
    expect(await it_.cached.get("a")).toEqual({ id: "a", old: false });
  });

  it("are not driven out by names that nobody has", async () => {
    const it_ = setup(2);
    await it_.cached.get("a");
    it_.answer = async () => undefined;
    for (let at = 0; at < 100; at++) await it_.cached.get(`unknown-${at}`);
    it_.loads.length = 0;
    expect(await it_.cached.get("a")).toEqual({ id: "a" });
    expect(await it_.cached.get("unknown-99")).toBeUndefined();
    expect(it_.loads).toEqual([]);
  });

  it("cost a silent store no more than its time, and then nothing for a while", async () => {
    const it_ = setup();
    it_.answer = () => new Promise(() => undefined);
    for (let at = 0; at < 5; at++) {
      await expect(it_.cached.get(`k-${at}`)).rejects.toMatchObject({ code: "auth_unavailable", retryAfterMs: 1_000 });
    }
    await expect(it_.cached.get("k-5")).rejects.toMatchObject({ code: "auth_unavailable" });
    expect(it_.loads).toHaveLength(5);
    it_.now += 1_001;
    it_.answer = async (name) => ({ id: name });
    expect(await it_.cached.get("k-5")).toEqual({ id: "k-5" });
  });
});
