import assert from "node:assert/strict";
import type { Entry, EntryStatus } from "../ledger.ts";
import type { EntryStore } from "../ledger-stores.ts";
import { EntryStoreCase, NOON } from "./entry-store-case.ts";
import { checkFilters } from "./entry-store-filters.ts";
import { checkReports } from "./entry-store-reports.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";

/** Everything is on unless declared `false`. */
export interface EntryStoreCapabilities {
  /** Off: what is kept does not outlive the store object. */
  readonly durable?: boolean;
}

/** What `testEntryStore` needs. */
export interface EntryStoreKit {
  readonly runner: Runner;
  /** An empty one; made anew for every case. */
  readonly store: () => EntryStore | Promise<EntryStore>;
  /** Closes the store and opens another one on the same data. */
  readonly reopen?: (store: EntryStore) => EntryStore | Promise<EntryStore>;
  readonly capabilities?: EntryStoreCapabilities;
}

/** Registers one case of the suite. */
export type AddEntryCase = (
  name: string,
  body: (one: EntryStoreCase) => Promise<void>,
  needs?: readonly string[],
) => void;

/** The conformance suite of entry stores: every entry once, sums that are exact, reports that agree with them. */
export function testEntryStore(kit: EntryStoreKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  const add: AddEntryCase = (name, body, needs = []) =>
    cases.add(
      name,
      async () => {
        const store = await kit.store();
        try {
          await body(new EntryStoreCase(store));
        } finally {
          await store.close?.();
        }
      },
      needs,
    );
  cases.group("entry store conformance", () => {
    checkAppend(add);
    checkCorrections(add);
    checkSums(add);
    checkReports(add);
    checkLists(add);
    checkFilters(add);
    add(
      "keeps everything when it is opened again",
      async (one) => {
        const { reopen } = kit;
        assert.ok(reopen !== undefined, "give reopen, or declare capabilities.durable: false");
        const scope = one.scope("durable");
        const [entry] = await one.added({ scopes: [scope], lines: [{ scope, period: "2026-11" }] });
        const store = await reopen(one.store);
        try {
          const again = new EntryStoreCase(store);
          await store.append([entry as Entry]);
          assert.deepEqual(await again.sum({ scope, period: "2026-11" }), [10n, 1]);
          assert.deepEqual(await store.list({ scope }), [entry]);
        } finally {
          await store.close?.();
        }
      },
      ["durable"],
    );
  });
}

const ODD_TEXTS = [
  `x'); DROP TABLE entries; --`,
  `"quoted" 'twice' \`thrice\` \\ $1 ? :id @id`,
  "Zürich \u{1F600} \u4e2d\u6587 \u202Eabc",
  "a/b/c%_*[x]",
  "__proto__",
  " leading, trailing and\nline break ",
  "",
];

function checkAppend(add: AddEntryCase): void {
  add("answers an entry as it was", async (one) => {
    const scope = one.scope("whole");
    const entry = one.entry({
      attempt: 3,
      operation: "embed",
      scopes: [scope, { ...scope, model: "m" }, { kind: "tag", id: "a,b" }],
      lines: [{ scope, period: "2026-11-20" }],
      usage: { inputTokens: 3_000_000_000, outputTokens: 0, cacheReadTokens: 7, reportedCost: 9_007_199_254_740_993n },
      cost: 9_007_199_254_740_993n,
      billed: 9_007_199_254_740_995n,
      status: "counted",
      firstEventAt: NOON + 5,
      cacheHit: false,
      cacheSavings: -9_007_199_254_740_993n,
      errorCode: "provider_error",
      tags: ["b", "a,b"],
      metadata: { nested: { list: [1.5, "two", null, true] }, text: "nul \u0000 and \u{1F600}" },
    });
    const plain = one.entry();
    await one.store.append([entry, plain]);
    assert.deepEqual(await one.store.get(entry.id), entry);
    assert.deepEqual(await one.store.get(plain.id), plain, "fields that were not there are not there");
    assert.equal(await one.store.get(one.id()), undefined);
  });

  add("takes any text anywhere", async (one) => {
    const entries = ODD_TEXTS.map((text, index) =>
      one.entry({
        id: `${text}/${index}`,
        callId: text,
        operation: text,
        model: text,
        deployment: text,
        provider: text,
        scopes: [
          { kind: "key", id: text },
          { kind: "team", id: text, model: text },
        ],
        lines: [{ scope: { kind: "key", id: text }, period: text }],
        errorCode: text,
        tags: [text],
        metadata: { [`k${text}`]: text },
      }),
    );
    await one.store.append(entries);
    await one.store.append(entries);
    for (const [index, text] of ODD_TEXTS.entries()) {
      assert.deepEqual(await one.store.get(`${text}/${index}`), entries[index]);
      assert.deepEqual(await one.sum({ scope: { kind: "key", id: text } }), [10n, 1]);
      assert.deepEqual(await one.sum({ scope: { kind: "key", id: text }, period: text }), [10n, 1]);
      assert.deepEqual(await one.sum({ scope: { kind: "team", id: text, model: text } }), [10n, 1]);
      assert.deepEqual(await one.sum({ scope: { kind: "team", id: text } }), [0n, 0]);
    }
    assert.deepEqual(await one.sum(), [BigInt(10 * ODD_TEXTS.length), ODD_TEXTS.length]);
  });

  add("ignores an id that it has: the first one stays", async (one) => {
    const [entry] = (await one.added({ scopes: [one.scope("first")] })) as [Entry];
    await one.store.append([{ ...entry, billed: 99n, scopes: [one.scope("other")] }]);
    await one.store.append([{ ...entry, status: "estimated", billed: 98n }]);
    await one.store.append([{ ...entry, startedAt: NOON + 40 * 86_400_000, billed: 97n }]);
    assert.deepEqual(await one.store.get(entry.id), entry);
    assert.deepEqual(await one.sum(), [10n, 1]);
    assert.deepEqual(await one.sum({ scope: one.scope("other") }), [0n, 0]);
  });

  add("takes an empty batch", async (one) => {
    await one.store.append([]);
    assert.deepEqual(await one.sum(), [0n, 0]);
  });

  add("takes an id twice in one batch", async (one) => {
    const [twice, guess, late] = [one.entry(), one.entry({ status: "estimated", billed: 50n }), one.entry()];
    await one.store.append([
      twice,
      guess,
      { ...twice, billed: 90n },
      { ...guess, status: "final", billed: 20n },
      late,
      { ...late, status: "counted", billed: 80n },
    ]);
    assert.deepEqual(await one.sum(), [40n, 3]);
    assert.equal((await one.store.get(guess.id))?.billed, 20n);
  });

  add("inserts nothing of 5,000 entries that it has", async (one) => {
    const scope = one.scope("many");
    const entries = Array.from({ length: 5_000 }, (_, index) =>
      one.entry({ scopes: [scope], billed: BigInt(index), startedAt: NOON + index }),
    );
    for (let at = 0; at < entries.length; at += 1_000) await one.store.append(entries.slice(at, at + 1_000));
    assert.deepEqual(await one.sum({ scope }), [12_497_500n, 5_000]);
    await one.store.append(entries);
    await one.store.append(entries.toReversed());
    assert.deepEqual(await one.sum({ scope }), [12_497_500n, 5_000]);
    assert.deepEqual(await one.sum(), [12_497_500n, 5_000]);
  });

  add("writes an entry once, however many bring it at once", async (one) => {
    const entries = Array.from({ length: 50 }, (_, index) => one.entry({ startedAt: NOON + index }));
    await Promise.all(
      Array.from({ length: 20 }, (_, turn) => {
        const batch = entries.slice(turn).concat(entries.slice(0, turn));
        return one.store.append(turn % 2 === 0 ? batch : batch.toReversed());
      }),
    );
    assert.deepEqual(await one.sum(), [500n, 50]);
  });
}

function checkCorrections(add: AddEntryCase): void {
  const guesses: readonly EntryStatus[] = ["estimated", "counted"];

  add("replaces a guess by what is known, once", async (one) => {
    for (const before of guesses) {
      for (const after of ["final", "void"] as const) {
        const scope = one.scope(`${before}-${after}`, "team");
        const lines = [{ scope, period: "all" }];
        const guess = one.entry({ scopes: [scope], lines, status: before, billed: 100n });
        const known = { ...guess, status: after, billed: 30n, cost: 25n, usage: { inputTokens: 1, outputTokens: 2 } };
        await one.store.append([guess]);
        assert.deepEqual(await one.sum({ scope }), [100n, 1]);
        await one.store.append([known]);
        await one.store.append([guess]);
        await one.store.append([{ ...known, billed: 31n }]);
        assert.deepEqual(await one.store.get(guess.id), known);
        assert.deepEqual(await one.sum({ scope }), [30n, 1]);
        assert.deepEqual(await one.sum({ scope, period: "all" }), [30n, 1]);
        const [row] = await one.store.report({ scope, groupBy: ["team"] });
        assert.deepEqual([row?.billed, row?.requests, row?.inputTokens, row?.outputTokens], [30n, 1, 1, 2]);
      }
    }
  });

  add("replaces nothing else", async (one) => {
    for (const before of ["final", "void", "estimated", "counted"] as const) {
      const scope = one.scope(before);
      const entry = one.entry({ scopes: [scope], status: before, billed: 100n });
      await one.store.append([entry]);
      const others: readonly EntryStatus[] = guesses.includes(before) ? guesses : [...guesses, "final", "void"];
      for (const status of others) await one.store.append([{ ...entry, status, billed: 1n }]);
      assert.deepEqual(await one.store.get(entry.id), entry);
      assert.deepEqual(await one.sum({ scope }), [100n, 1]);
    }
  });

  add("corrects once, however many correct at once", async (one) => {
    const scope = one.scope("race");
    const guess = one.entry({ scopes: [scope], status: "estimated", billed: 100n });
    await one.store.append([guess]);
    await Promise.all(
      Array.from({ length: 20 }, () => one.store.append([{ ...guess, status: "final" as const, billed: 60n }])),
    );
    assert.deepEqual(await one.sum({ scope }), [60n, 1]);
    assert.deepEqual(await one.sum(), [60n, 1]);
  });
}

function checkSums(add: AddEntryCase): void {
  add("sums up by scope: kind, id and model", async (one) => {
    const [key, team] = [one.scope("k"), one.scope("t", "team")];
    const model = { ...key, model: "gpt-5" };
    await one.added(
      { scopes: [key, team, model], billed: 1n },
      { scopes: [key], billed: 20n },
      { scopes: [team, team], billed: 300n },
      {
        scopes: [model],
        billed: 4_000n,
      },
    );
    assert.deepEqual(await one.sum({ scope: key }), [21n, 2]);
    assert.deepEqual(await one.sum({ scope: team }), [301n, 2]);
    assert.deepEqual(await one.sum({ scope: model }), [4_001n, 2]);
    assert.deepEqual(await one.sum({ scope: { ...key, kind: "user" } }), [0n, 0]);
    assert.deepEqual(await one.sum({ scope: { ...key, id: key.id.toUpperCase() } }), [0n, 0]);
    assert.deepEqual(await one.sum({ scope: { ...key, model: "" } }), [0n, 0], "an empty model is not no model");
    assert.deepEqual(await one.sum(), [4_321n, 4]);
    assert.equal((await one.store.spent({ scope: key })).pending, 0n);
  });

  add("sums up by the period that was charged", async (one) => {
    const [key, team] = [one.scope("k"), one.scope("t", "team")];
    const november = (scope: typeof key) => ({ scope, period: "2026-11" });
    await one.added(
      { scopes: [key, team], lines: [november(key), { scope: key, period: "2026-11-20" }], billed: 1n },
      { scopes: [key, team], lines: [november(key), november(team)], billed: 20n },
      { scopes: [key, team], lines: [november({ ...key, model: "m" })], billed: 300n },
      { scopes: [key, team], billed: 4_000n },
      { scopes: [key], lines: [{ scope: key, period: "2026-12" }], startedAt: NOON, billed: 50_000n },
    );
    assert.deepEqual(await one.sum({ scope: key, period: "2026-11" }), [21n, 2]);
    assert.deepEqual(await one.sum({ scope: key, period: "2026-11-20" }), [1n, 1]);
    assert.deepEqual(await one.sum({ scope: team, period: "2026-11" }), [20n, 1]);
    assert.deepEqual(await one.sum({ scope: key, period: "2026-12" }), [50_000n, 1]);
    assert.deepEqual(await one.sum({ scope: key, period: "2026-12", to: NOON }), [0n, 0]);
    assert.deepEqual(await one.sum({ scope: key, period: "2026-1" }), [0n, 0]);
    assert.deepEqual(await one.sum({ period: "2026-11" }), [321n, 3], "each entry once");
  });

  add("sums up by time: from inclusive, to exclusive", async (one) => {
    const scope = one.scope("time");
    const times = [-86_400_000, -3_600_000, -1, 0, 1, 3_599_999, 3_600_000, 86_400_000];
    await one.added(
      ...times.map((offset, at) => ({ scopes: [scope], startedAt: NOON + offset, billed: 10n ** BigInt(at) })),
    );
    const sum = async (from?: number, to?: number) => {
      const range = { ...(from !== undefined && { from: NOON + from }), ...(to !== undefined && { to: NOON + to }) };
      const [inScope] = await one.sum({ scope, ...range });
      assert.deepEqual((await one.sum(range))[0], inScope, "with and without the scope");
      return inScope;
    };
    assert.equal(await sum(), 11_111_111n);
    assert.equal(await sum(0), 11_111_000n);
    assert.equal(await sum(1), 11_110_000n);
    assert.equal(await sum(undefined, 0), 111n);
    assert.equal(await sum(undefined, 1), 1_111n);
    assert.equal(await sum(0, 3_600_000), 111_000n);
    assert.equal(await sum(-3_600_000, 3_600_000), 111_110n);
    assert.equal(await sum(-3_599_999, 3_599_999), 11_100n);
    assert.equal(await sum(-86_400_000, 86_400_001), 11_111_111n);
    assert.equal(await sum(1, 1), 0n);
  });

  add("adds amounts that a floating-point number cannot", async (one) => {
    const scope = one.scope("wide");
    const odd = 9_007_199_254_740_993n;
    await one.added(
      { scopes: [scope], billed: odd },
      { scopes: [scope], billed: odd },
      { scopes: [scope], billed: -1n },
    );
    assert.deepEqual(await one.sum({ scope }), [18_014_398_509_481_985n, 3]);
    assert.deepEqual(await one.sum(), [18_014_398_509_481_985n, 3]);
    assert.equal((await one.store.report({ groupBy: ["model"] }))[0]?.billed, 18_014_398_509_481_985n);
  });
}

function checkLists(add: AddEntryCase): void {
  add("lists the newest first, by page", async (one) => {
    const [key, other] = [one.scope("k"), one.scope("o")];
    const entries = await one.added(
      ...[3, 1, 4, 0, 2].map((hour) => ({
        scopes: hour === 4 ? [other] : [key, { ...key, model: "m" }],
        lines: [{ scope: key, period: hour < 2 ? "2026-11-20" : "2026-11-21" }],
        startedAt: NOON + hour * 3_600_000,
      })),
    );
    const hours = async (query: Parameters<EntryStore["list"]>[0]): Promise<readonly number[]> => {
      const found = await one.store.list(query);
      for (const entry of found)
        assert.deepEqual(
          entry,
          entries.find(({ id }) => id === entry.id),
        );
      return found.map(({ startedAt }) => (startedAt - NOON) / 3_600_000);
    };
    assert.deepEqual(await hours({}), [4, 3, 2, 1, 0]);
    assert.deepEqual(await hours({ limit: 2 }), [4, 3]);
    assert.deepEqual(await hours({ limit: 2, offset: 2 }), [2, 1]);
    assert.deepEqual(await hours({ limit: 2, offset: 4 }), [0]);
    assert.deepEqual(await hours({ offset: 5 }), []);
    assert.deepEqual(await hours({ limit: 0 }), []);
    assert.deepEqual(await hours({ scope: key }), [3, 2, 1, 0]);
    assert.deepEqual(await hours({ scope: key, limit: 2, offset: 1 }), [2, 1]);
    assert.deepEqual(await hours({ scope: { ...key, model: "m" }, from: NOON + 3_600_000 }), [3, 2, 1]);
    assert.deepEqual(await hours({ from: NOON + 3_600_000, to: NOON + 4 * 3_600_000 }), [3, 2, 1]);
    assert.deepEqual(await hours({ scope: key, period: "2026-11-20" }), [1, 0]);
  });

  add("pages through entries of one moment: each once", async (one) => {
    const entries = await one.added(...Array.from({ length: 25 }, () => ({})));
    const seen: string[] = [];
    for (let offset = 0; offset < 25; offset += 10) {
      seen.push(...(await one.store.list({ limit: 10, offset })).map(({ id }) => id));
    }
    assert.deepEqual(seen.toSorted(), entries.map(({ id }) => id).toSorted());
  });
}
