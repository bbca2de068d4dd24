import assert from "node:assert/strict";
import type { Entry } from "../ledger.ts";
import type { ReportQuery, ReportRow } from "../ledger-stores.ts";
import type { EntryStoreCase } from "./entry-store-case.ts";
import { NOON } from "./entry-store-case.ts";
import type { AddEntryCase } from "./entry-store-kit.ts";

/** `group values joined by "|"` → billed, in the order of the groups. */
async function sums(one: EntryStoreCase, query: ReportQuery): Promise<Readonly<Record<string, bigint>>> {
  const rows = await one.store.report(query);
  const named = rows.map(({ group, billed }): readonly [string, bigint] => {
    assert.deepEqual(Object.keys(group).toSorted(), [...query.groupBy].toSorted());
    return [query.groupBy.map((name) => group[name]).join("|"), billed];
  });
  assert.equal(new Set(named.map(([name]) => name)).size, named.length, "a group stands in two rows");
  return Object.fromEntries(named.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function byDay({ group: one }: ReportRow, { group: other }: ReportRow): number {
  return (one["day"] as string) < (other["day"] as string) ? -1 : 1;
}

/** Reports: what each group is, and that no entry is lost or counted twice in one. */
export function checkReports(add: AddEntryCase): void {
  add("reports requests, failures, money and tokens", async (one) => {
    const { store } = one;
    await one.added(
      {
        billed: 5n,
        usage: { inputTokens: 10, outputTokens: 4, cacheReadTokens: 3, cacheWriteTokens: 2 },
        cacheSavings: 9_007_199_254_740_993n,
      },
      {
        billed: 7n,
        usage: { inputTokens: 20, outputTokens: 5, cacheWriteTokens: 1, cacheWrite1hTokens: 6 },
        cacheSavings: -3n,
      },
      { billed: 0n, usage: { inputTokens: 0, outputTokens: 0 }, status: "void", errorCode: "provider_error" },
      { billed: 0n, usage: { inputTokens: 0, outputTokens: 0 }, cacheHit: true },
      { billed: 0n, usage: { inputTokens: 0, outputTokens: 0 }, cacheHit: false },
    );
    assert.deepEqual(await store.report({ groupBy: ["model"] }), [
      {
        group: { model: "kit-model" },
        billed: 12n,
        requests: 5,
        failures: 1,
        cacheHits: 1,
        inputTokens: 30,
        outputTokens: 9,
        cacheReadTokens: 3,
        cacheWriteTokens: 9,
        cacheSavings: 9_007_199_254_740_990n,
      },
    ]);
    assert.deepEqual(await store.report({ groupBy: ["model"], to: NOON }), []);
  });

  add("reports cache hits by day, and of a guess that turns out to be none", async (one) => {
    const tag = one.scope("hits", "tag");
    const [guess] = await one.added(
      { cacheHit: true, status: "estimated", scopes: [tag] },
      { cacheHit: true, scopes: [tag], startedAt: NOON - 86_400_000 },
      { scopes: [tag] },
    );
    const hits = async (query: ReportQuery): Promise<readonly number[]> =>
      (await one.store.report(query)).toSorted(byDay).map(({ cacheHits }) => cacheHits);
    assert.deepEqual(await hits({ groupBy: ["day"] }), [1, 1]);
    await one.store.append([{ ...(guess as Entry), cacheHit: false, status: "final" }]);
    assert.deepEqual(await hits({ groupBy: ["day"] }), [1, 0]);
    assert.deepEqual(await hits({ groupBy: ["day"], scope: tag }), [1, 0]);
    assert.deepEqual(await hits({ groupBy: ["day"], from: NOON - 1, to: NOON + 1 }), [0]);
    assert.deepEqual(await hits({ groupBy: ["customer"] }), [1]);
  });

  add("reports savings by day, below zero too, and of a guess that turns out to be another", async (one) => {
    const tag = one.scope("savings", "tag");
    const [guess] = await one.added(
      { cacheSavings: 50n, status: "counted", scopes: [tag] },
      { cacheSavings: -7n, scopes: [tag], startedAt: NOON - 86_400_000 },
      { scopes: [tag] },
    );
    const saved = async (query: ReportQuery): Promise<readonly bigint[]> =>
      (await one.store.report(query)).toSorted(byDay).map(({ cacheSavings }) => cacheSavings);
    assert.deepEqual(await saved({ groupBy: ["day"] }), [-7n, 50n]);
    await one.store.append([{ ...(guess as Entry), cacheSavings: -2n, status: "final" }]);
    assert.deepEqual(await saved({ groupBy: ["day"] }), [-7n, -2n]);
    assert.deepEqual(await saved({ groupBy: ["day"], scope: tag }), [-7n, -2n]);
    assert.deepEqual(await saved({ groupBy: ["day"], from: NOON - 1, to: NOON + 1 }), [-2n]);
    assert.deepEqual(await saved({ groupBy: ["customer"] }), [-9n]);
  });

  add("sums up for many at once what it does for each", async (one) => {
    const [a, b, never] = [one.scope("a"), one.scope("b"), one.scope("never")];
    const ofModel = { ...a, model: "m" };
    const [guess] = await one.added(
      { billed: 5n, scopes: [a, ofModel], lines: [{ scope: a, period: "2026-11" }], status: "estimated" },
      { billed: 7n, scopes: [a], lines: [{ scope: a, period: "2026-10" }] },
      { billed: 11n, scopes: [a, b] },
    );
    const sums = async (): Promise<unknown> => {
      const queries = [
        { scope: b },
        { scope: a },
        { scope: a, period: "2026-11" },
        { scope: never },
        { scope: ofModel },
        { scope: a },
      ];
      const spent = await one.store.spentEach?.(queries);
      return spent?.map(({ billed, entries }) => [billed, entries]);
    };
    const many = one.store.spentEach !== undefined;
    assert.deepEqual(
      await sums(),
      many
        ? [
            [11n, 1],
            [23n, 3],
            [5n, 1],
            [0n, 0],
            [5n, 1],
            [23n, 3],
          ]
        : undefined,
    );
    await one.store.append([{ ...(guess as Entry), billed: 50n, status: "final" }]);
    assert.deepEqual(
      await sums(),
      many
        ? [
            [11n, 1],
            [68n, 3],
            [50n, 1],
            [0n, 0],
            [50n, 1],
            [68n, 3],
          ]
        : undefined,
    );
    const limited = await one.store.spentEach?.([{ scope: a, from: NOON, to: NOON + 1 }, { scope: b }]);
    assert.deepEqual(
      limited?.map(({ billed }) => billed),
      many ? [68n, 11n] : undefined,
    );
    assert.deepEqual(await one.store.spentEach?.([]), many ? [] : undefined);
  });

  add("reports everything in one row when nothing divides it", async (one) => {
    await one.added({ billed: 1n }, { billed: 2n, model: "other" });
    assert.deepEqual(await sums(one, { groupBy: [] }), { "": 3n });
  });

  add("groups by what an entry is about", async (one) => {
    await one.added(
      { model: "a", provider: "p", deployment: "d1", operation: "chat", billed: 1n },
      { model: "a", provider: "q", deployment: "d2", operation: "embed", billed: 20n },
      { model: "b", provider: "q", deployment: "d2", operation: "chat", billed: 300n },
    );
    assert.deepEqual(await sums(one, { groupBy: ["model"] }), { a: 21n, b: 300n });
    assert.deepEqual(await sums(one, { groupBy: ["provider"] }), { p: 1n, q: 320n });
    assert.deepEqual(await sums(one, { groupBy: ["deployment"] }), { d1: 1n, d2: 320n });
    assert.deepEqual(await sums(one, { groupBy: ["operation"] }), { chat: 301n, embed: 20n });
    assert.deepEqual(await sums(one, { groupBy: ["model", "provider"] }), { "a|p": 1n, "a|q": 20n, "b|q": 300n });
  });

  add("groups by scope: the id, or an empty one", async (one) => {
    const red = { kind: "team", id: "red" };
    await one.added(
      { scopes: [red, { kind: "user", id: "u" }, { ...red, model: "m" }], billed: 1n },
      { scopes: [{ kind: "team", id: "blue" }], model: "other", billed: 20n },
      { scopes: [{ kind: "user", id: "u" }], billed: 300n },
      { scopes: [{ ...red, model: "m" }], billed: 4_000n },
    );
    assert.deepEqual(await sums(one, { groupBy: ["team"] }), { "": 4_300n, blue: 20n, red: 1n });
    assert.deepEqual(await sums(one, { groupBy: ["user", "team"] }), {
      "u|": 300n,
      "u|red": 1n,
      "|": 4_000n,
      "|blue": 20n,
    });
    assert.deepEqual(await sums(one, { groupBy: ["team"], scope: { kind: "user", id: "u" } }), { "": 300n, red: 1n });
    assert.deepEqual(await sums(one, { groupBy: ["team", "model"], scope: red }), { "red|kit-model": 1n });
    assert.deepEqual(await sums(one, { groupBy: ["organization"] }), { "": 4_321n });
  });

  add("counts an entry in the group of each of its tags", async (one) => {
    const tag = (id: string) => ({ kind: "tag", id });
    await one.added(
      { scopes: [tag("a"), tag("b")], billed: 1n },
      { scopes: [tag("b")], billed: 20n },
      { billed: 300n },
    );
    assert.deepEqual(await sums(one, { groupBy: ["tag"] }), { "": 300n, a: 1n, b: 21n });
    assert.deepEqual(await sums(one, { groupBy: ["tag"], scope: tag("a") }), { a: 1n, b: 1n });
  });

  add("takes hostile groups for scopes that nobody has", async (one) => {
    await one.added({ billed: 1n });
    const name = `team"; DROP TABLE entries; --`;
    assert.deepEqual(await sums(one, { groupBy: [name] }), { "": 1n });
    assert.deepEqual(await sums(one, { groupBy: ["__proto__x", "constructor"] }), { "|": 1n });
    assert.deepEqual(await one.sum(), [1n, 1]);
  });

  add("reports within a time and a period", async (one) => {
    const scope = one.scope("k");
    await one.added(
      { scopes: [scope], lines: [{ scope, period: "one" }], billed: 1n },
      { scopes: [scope], lines: [{ scope, period: "two" }], startedAt: NOON + 1, billed: 20n },
      { scopes: [], startedAt: NOON + 3_600_000, billed: 300n },
    );
    assert.deepEqual(await sums(one, { groupBy: ["model"], from: NOON + 1 }), { "kit-model": 320n });
    assert.deepEqual(await sums(one, { groupBy: ["model"], from: NOON, to: NOON + 1 }), { "kit-model": 1n });
    assert.deepEqual(await sums(one, { groupBy: ["model"], scope, period: "two" }), { "kit-model": 20n });
  });

  add("groups by the day of a time zone, through changes of the clock", async (one) => {
    const at = (text: string, billed: bigint) => ({ startedAt: Date.parse(text), billed });
    await one.added(
      // Berlin leaves summer time on 2026-10-25 (a day of 25 hours) and enters it on 2026-03-29 (23 hours).
      at("2026-03-28T22:59:59.999Z", 1n),
      at("2026-03-28T23:00:00Z", 20n),
      at("2026-03-29T21:59:59.999Z", 300n),
      at("2026-03-29T22:00:00Z", 4_000n),
      at("2026-10-24T22:00:00Z", 50_000n),
      at("2026-10-25T22:59:59.999Z", 600_000n),
      at("2026-10-25T23:00:00Z", 7_000_000n),
    );
    assert.deepEqual(await sums(one, { groupBy: ["day"], timezone: "Europe/Berlin" }), {
      "2026-03-28": 1n,
      "2026-03-29": 320n,
      "2026-03-30": 4_000n,
      "2026-10-25": 650_000n,
      "2026-10-26": 7_000_000n,
    });
    assert.deepEqual(await sums(one, { groupBy: ["day"] }), {
      "2026-03-28": 21n,
      "2026-03-29": 4_300n,
      "2026-10-24": 50_000n,
      "2026-10-25": 7_600_000n,
    });
  });

  add("groups by the day of zones that are off by minutes", async (one) => {
    await one.added(
      { startedAt: Date.parse("2026-11-20T18:14:59.999Z"), billed: 1n },
      { startedAt: Date.parse("2026-11-20T18:15:00Z"), billed: 20n },
      { startedAt: Date.parse("2026-11-20T18:30:00Z"), billed: 300n },
    );
    assert.deepEqual(await sums(one, { groupBy: ["day"], timezone: "Asia/Kathmandu" }), {
      "2026-11-20": 1n,
      "2026-11-21": 320n,
    });
    assert.deepEqual(await sums(one, { groupBy: ["day", "model"], timezone: "Asia/Kolkata" }), {
      "2026-11-20|kit-model": 21n,
      "2026-11-21|kit-model": 300n,
    });
  });

  add("refuses a time zone that does not exist", async (one) => {
    await assert.rejects(async () => one.store.report({ groupBy: ["day"], timezone: "Mars/Olympus" }));
  });
}
