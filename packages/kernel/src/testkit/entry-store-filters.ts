import assert from "node:assert/strict";
import type { EntryQuery } from "../ledger-stores.ts";
import type { EntryStoreCase } from "./entry-store-case.ts";
import { NOON } from "./entry-store-case.ts";
import type { AddEntryCase } from "./entry-store-kit.ts";

const DAY_MS = 86_400_000;
const MANY = 1_000;

/** Seven entries of three days, told apart by what they have cost: 1 to 7. */
async function seven(one: EntryStoreCase): Promise<void> {
  const [ada, bob] = [
    { kind: "user", id: "ada" },
    { kind: "user", id: "bob" },
  ];
  const [red, blue] = [
    { kind: "team", id: "red" },
    { kind: "tag", id: "blue" },
  ];
  const hour = 3_600_000;
  await one.added(
    { billed: 1n, scopes: [ada, red], startedAt: NOON, usage: { inputTokens: 70, outputTokens: 1 } },
    {
      billed: 2n,
      scopes: [bob, red],
      startedAt: NOON + hour,
      model: "large",
      usage: { inputTokens: 60, outputTokens: 9 },
    },
    { billed: 3n, scopes: [ada, red, blue], startedAt: NOON + 2 * hour, errorCode: "timeout" },
    { billed: 4n, scopes: [ada, blue], startedAt: NOON + DAY_MS, model: "large", deployment: "kit-2" },
    { billed: 5n, scopes: [bob, blue], startedAt: NOON + DAY_MS + 1, provider: "other", operation: "embed" },
    { billed: 6n, scopes: [ada, red], startedAt: NOON + DAY_MS + 2, errorCode: "provider_error", model: "large" },
    { billed: 7n, scopes: [bob, { ...red, model: "m" }], startedAt: NOON + 2 * DAY_MS, endedAt: NOON },
  );
}

/** Lists with conditions, in other orders, and how many there are. */
export function checkFilters(add: AddEntryCase): void {
  const cases = (one: EntryStoreCase) => ({
    /** What the entries found have cost. */
    async costs(query: EntryQuery): Promise<string> {
      const found = await one.store.list(query);
      return found.map(({ billed }) => billed).join(" ");
    },
    count: (query: EntryQuery, most: number = MANY) => one.store.count(query, most),
  });

  add("lists what all conditions hold for, newest first", async (one) => {
    await seven(one);
    const { costs, count } = cases(one);
    const ada = { kind: "user", id: "ada" };
    const expected: readonly (readonly [EntryQuery, string])[] = [
      [{}, "7 6 5 4 3 2 1"],
      [{ model: "large" }, "6 4 2"],
      [{ model: "" }, ""],
      [{ deployment: "kit-2" }, "4"],
      [{ provider: "other" }, "5"],
      [{ operation: "embed" }, "5"],
      [{ failed: true }, "6 3"],
      [{ failed: false }, "7 5 4 2 1"],
      [{ errorCode: "timeout" }, "3"],
      [{ minimum: 5n }, "7 6 5"],
      [{ maximum: 2n }, "2 1"],
      [{ minimum: 3n, maximum: 3n }, "3"],
      [{ minimum: 8n }, ""],
      [{ scopes: [ada] }, "6 4 3 1"],
      [{ scopes: [] }, "7 6 5 4 3 2 1"],
      [{ scopes: [ada, { kind: "team", id: "red" }] }, "6 3 1"],
      [{ scope: { kind: "team", id: "red" }, scopes: [ada] }, "6 3 1"],
      [{ scope: { kind: "tag", id: "blue" }, model: "large" }, "4"],
      [{ scope: ada, failed: true, model: "large" }, "6"],
      [{ scope: ada, failed: true, errorCode: "timeout", maximum: 2n }, ""],
      [{ scope: ada, from: NOON + 1, to: NOON + DAY_MS + 2, maximum: 3n }, "3"],
      [{ failed: false, from: NOON + 1, to: NOON + DAY_MS + 1 }, "4 2"],
      [{ scope: { kind: "user", id: "nobody" }, failed: true }, ""],
      [{ model: `x' OR 1=1 --` }, ""],
    ];
    for (const [query, found] of expected) {
      const told = JSON.stringify(query, (_key, value) => (typeof value === "bigint" ? `${value}n` : value));
      assert.equal(await costs(query), found, told);
      assert.equal(await count(query), found === "" ? 0 : found.split(" ").length, `count of ${told}`);
    }
  });

  add("finds all attempts of a call", async (one) => {
    await one.added(
      {},
      { id: "call-1/1", callId: "call-1", billed: 1n },
      { id: "call-1/2", callId: "call-1", billed: 2n },
    );
    const { costs, count } = cases(one);
    assert.equal((await costs({ callId: "call-1" })).split(" ").toSorted().join(" "), "1 2");
    assert.equal(await count({ callId: "call-1" }), 2);
    assert.equal(await costs({ callId: "call" }), "");
  });

  add("sorts by other fields, in both directions, page by page", async (one) => {
    await seven(one);
    const { costs } = cases(one);
    assert.equal(await costs({ ascending: true }), "1 2 3 4 5 6 7");
    assert.equal(await costs({ sortBy: "billed" }), "7 6 5 4 3 2 1");
    assert.equal(await costs({ sortBy: "billed", ascending: true, limit: 3, offset: 2 }), "3 4 5");
    assert.equal(await costs({ sortBy: "endedAt", limit: 2 }), "6 5");
    assert.equal(await costs({ sortBy: "inputTokens", limit: 2 }), "1 2");
    assert.equal(await costs({ sortBy: "outputTokens", limit: 1 }), "2");
    assert.equal(await costs({ sortBy: "billed", scope: { kind: "user", id: "ada" }, limit: 2, offset: 1 }), "4 3");
    assert.equal(await costs({ ascending: true, scope: { kind: "team", id: "red" }, limit: 2, offset: 1 }), "2 3");
    assert.equal(await costs({ model: "large", limit: 1, offset: 1 }), "4");
    assert.equal(await costs({ failed: true, offset: 2 }), "");
    assert.equal(await costs({ sortBy: "billed", limit: 0 }), "");
  });

  add("counts no further than it is told", async (one) => {
    await seven(one);
    const { count } = cases(one);
    assert.equal(await count({}, 3), 3);
    assert.equal(await count({}, 7), 7);
    assert.equal(await count({ scope: { kind: "user", id: "ada" } }, 2), 2);
    assert.equal(await count({ failed: true }, 1), 1);
    assert.equal(await count({ minimum: 2n }, 0), 0);
  });

  add("counts entries that share a moment each once, in any order", async (one) => {
    await one.added(...Array.from({ length: 25 }, (_, at) => ({ billed: BigInt(at % 2) })));
    for (const sortBy of ["startedAt", "billed"] as const) {
      const seen = new Set<string>();
      for (let offset = 0; offset < 25; offset += 10) {
        for (const { id } of await one.store.list({ sortBy, limit: 10, offset })) seen.add(id);
      }
      assert.equal(seen.size, 25, sortBy);
    }
  });
}
