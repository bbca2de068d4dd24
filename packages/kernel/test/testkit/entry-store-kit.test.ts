import { describe, expect, it } from "vitest";
import type { Entry, EntryStore } from "@signalbox/kernel";
import { MemoryEntries } from "@signalbox/kernel/ledger";
import { testEntryStore } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

const capabilities = { durable: false };

describe("testEntryStore on entries in memory", () => {
  testEntryStore({ runner: { describe, it }, store: () => new MemoryEntries(), capabilities });
});

/** A right store with one operation replaced. */
function broken(change: (inner: MemoryEntries) => Partial<EntryStore>): () => EntryStore {
  return () => {
    const inner = new MemoryEntries();
    return {
      append: (entries) => inner.append(entries),
      spent: (query) => inner.spent(query),
      report: (query) => inner.report(query),
      list: (query) => inner.list(query),
      count: (query, most) => inner.count(query, most),
      get: (id) => inner.get(id),
      ...change(inner),
    };
  };
}

const each = (inner: MemoryEntries, change: (entry: Entry) => Entry): Partial<EntryStore> => ({
  append: (entries) => inner.append(entries.map(change)),
});

describe("testEntryStore on stores that are wrong", () => {
  let fresh = 0;

  const wrong: Readonly<Record<string, readonly [() => EntryStore, RegExp]>> = {
    "writes an entry twice": [
      broken((inner) => each(inner, (entry) => ({ ...entry, id: `${entry.id}#${fresh++}` }))),
      /inserts nothing of 5,000/,
    ],
    "never corrects": [broken((inner) => each(inner, (entry) => ({ ...entry, status: "final" }))), /replaces a guess/],
    "corrects what is final": [
      broken((inner) => {
        const statuses = new Map<string, Entry["status"]>();
        return {
          append: (entries) => {
            for (const { id, status } of entries) if (!statuses.has(id)) statuses.set(id, status);
            return inner.append(entries.map((entry) => ({ ...entry, status: "counted" })));
          },
        };
      }),
      /answers an entry as it was|replaces a guess/,
    ],
    "keeps money in floating-point numbers": [
      broken((inner) => each(inner, (entry) => ({ ...entry, billed: BigInt(Number(entry.billed)) }))),
      /adds amounts that a floating-point number cannot/,
    ],
    "forgets lines": [
      broken((inner) => each(inner, ({ lines: _lines, ...entry }) => entry)),
      /sums up by the period that was charged/,
    ],
    "takes the end for inclusive": [
      broken((inner) => ({
        spent: ({ to, ...query }) => inner.spent(to === undefined ? query : { ...query, to: to + 1 }),
      })),
      /from inclusive, to exclusive/,
    ],
    "ignores models of scopes": [
      broken((inner) =>
        each(inner, (entry) => ({ ...entry, scopes: entry.scopes.map(({ kind, id }) => ({ kind, id })) })),
      ),
      /sums up by scope/,
    ],
    "ignores a filter without a scope": [
      broken((inner) => ({ spent: (query) => inner.spent(query.scope === undefined ? {} : query) })),
      /sums up by time/,
    ],
    "knows days of UTC alone": [
      broken((inner) => ({ report: ({ timezone: _zone, ...query }) => inner.report(query) })),
      /groups by the day of a time zone/,
    ],
    "knows zones of whole hours alone": [
      broken((inner) => ({
        report: (query) =>
          inner.report(query.timezone === "Asia/Kathmandu" ? { ...query, timezone: "Asia/Kolkata" } : query),
      })),
      /off by minutes/,
    ],
    "leaves out what has no team": [
      broken((inner) => ({
        report: async (query) => (await inner.report(query)).filter(({ group }) => !Object.values(group).includes("")),
      })),
      /groups by scope: the id, or an empty one/,
    ],
    "lists the oldest first": [
      broken((inner) => ({ list: async (query) => (await inner.list(query)).toReversed() })),
      /lists the newest first/,
    ],
    "ignores the offset": [
      broken((inner) => ({ list: ({ offset: _offset, ...query }) => inner.list(query) })),
      /lists the newest first/,
    ],
  };

  for (const [name, [store, caught]] of Object.entries(wrong)) {
    it(`catches one that ${name}`, async () => {
      const runner = fakeRunner();
      testEntryStore({ runner, store, capabilities });
      expect((await failuresOf(runner.cases)).join("\n")).toMatch(caught);
    });
  }

  it("asks for reopen where entries last", async () => {
    const runner = fakeRunner();
    testEntryStore({ runner, store: () => new MemoryEntries() });
    expect(await failuresOf(runner.cases)).toEqual([
      "keeps everything when it is opened again: give reopen, or declare capabilities.durable: false",
    ]);
  });
});
