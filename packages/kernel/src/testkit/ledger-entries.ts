import assert from "node:assert/strict";
import type { LedgerCase } from "./ledger-case.ts";

const NOTHING = { billed: 0n, pending: 0n, entries: 0 };

/** What is on record: once per id, summed by scope and time, equal to what the counters say. */
export function checkEntries(add: (name: string, body: (one: LedgerCase) => Promise<void>) => void): void {
  add("adjusts what is spent by an entry of its own, once, and nothing else", async (one) => {
    const { ledger } = one;
    if (ledger.adjust === undefined) return;
    const [line, other] = [one.line("adjusted", 100n), one.line("beside", 100n)];
    const id = await one.held(80n, line, other);
    await ledger.settle({ id, actual: 80n, status: "final" });
    await ledger.append(one.entry(id, [line.scope, other.scope], 80n));
    const entry = one.entry(one.id(), [line.scope], -70n, { lines: [{ scope: line.scope, period: line.period }] });
    await ledger.adjust(entry);
    await ledger.adjust(entry);
    assert.deepEqual(await one.counter(line), { spent: 10n, pending: 0n });
    assert.deepEqual(await one.counter(other), { spent: 80n, pending: 0n });
    const { scope, period } = line;
    assert.deepEqual(await ledger.spent({ scope, period }), { billed: 10n, pending: 0n, entries: 2 });
    assert.deepEqual(await ledger.spent({ scope: other.scope }), { billed: 80n, pending: 0n, entries: 1 });
    await one.held(90n, line);
    await one.denied(1n, line);
  });

  add("records an entry once", async (one) => {
    const { ledger } = one;
    const scope = one.scope("once");
    const entry = one.entry(one.id(), [scope], 25n);
    await Promise.all(Array.from({ length: 20 }, () => ledger.append(entry)));
    await ledger.append({ ...entry, billed: 99n });
    assert.deepEqual(await ledger.spent({ scope }), { billed: 25n, pending: 0n, entries: 1 });
  });

  add("sums what is billed by scope", async (one) => {
    const { ledger } = one;
    const [key, team] = [one.scope("k"), one.scope("t", "team")];
    await ledger.append(one.entry(one.id(), [key, team], 10n, { cost: 8n }));
    await ledger.append(one.entry(one.id(), [team], 5n));
    await ledger.append(one.entry(one.id(), [{ ...key, model: "gpt-5" }], 3n));
    assert.deepEqual(await ledger.spent({ scope: key }), { billed: 10n, pending: 0n, entries: 1 });
    assert.deepEqual(await ledger.spent({ scope: team }), { billed: 15n, pending: 0n, entries: 2 });
    assert.deepEqual(await ledger.spent({ scope: { ...key, model: "gpt-5" } }), {
      billed: 3n,
      pending: 0n,
      entries: 1,
    });
    assert.deepEqual(await ledger.spent({ scope: one.scope("nobody") }), NOTHING);
  });

  add("sums what is billed by time: from inclusive, to exclusive", async (one) => {
    const { ledger } = one;
    const scope = one.scope("time");
    const start = 1_760_000_000_000;
    for (const [hour, billed] of [1n, 20n, 300n].entries()) {
      const at = start + hour * 3_600_000;
      await ledger.append(one.entry(one.id(), [scope], billed, { startedAt: at, endedAt: at }));
    }
    const sum = async (from: number, to: number): Promise<bigint> => (await ledger.spent({ scope, from, to })).billed;
    assert.equal(await sum(start, start + 3_600_000), 1n);
    assert.equal(await sum(start, start + 3_600_001), 21n);
    assert.equal(await sum(start + 1, start + 9_000_000), 320n);
    assert.equal(await sum(0, start), 0n);
  });

  add("shows what is reserved beside what is billed", async (one) => {
    const line = one.line("both", 100n);
    await one.held(40n, line);
    const id = await one.held(30n, line);
    await one.ledger.settle({ id, actual: 12n, status: "final" });
    await one.ledger.append(one.entry(id, [line.scope], 12n));
    assert.deepEqual(await one.ledger.spent({ scope: line.scope }), { billed: 12n, pending: 40n, entries: 1 });
  });

  add("keeps amounts, usage and names as they were", async (one) => {
    const scope = one.scope("exact");
    const billed = 9_007_199_254_740_993n;
    await one.ledger.append(
      one.entry(one.id(), [scope], billed, {
        model: 'vendor/modèl "1" 🌍\'; --',
        cost: billed - 1n,
        tags: ["a,b", "c"],
        metadata: { nested: { list: [1, "two", null] } },
        usage: { inputTokens: 3_000_000_000, outputTokens: 1, reportedCost: billed },
        errorCode: "provider_error",
        status: "counted",
        firstEventAt: 1_760_000_000_000,
        cacheHit: false,
        cacheSavings: 1n - billed,
      }),
    );
    assert.deepEqual(await one.ledger.spent({ scope }), { billed, pending: 0n, entries: 1 });
  });

  add("agrees with itself after a mixed run", async (one) => {
    const { ledger } = one;
    const line = one.line("mixed", 3_000n);
    let expected = 0n;
    let entries = 0;
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const estimate = BigInt(10 + ((index * 37) % 50));
        const id = one.id();
        if (!(await ledger.reserve({ id, estimate, lines: [line] })).held) return;
        if (index % 5 === 0) return await ledger.void(id);
        const actual = (estimate * BigInt(index % 10)) / 10n;
        const status = index % 4 === 0 ? "estimated" : "final";
        if (status === "estimated") await ledger.settle({ id, actual: estimate, status });
        await ledger.settle({ id, actual, status: "final" });
        await ledger.append(one.entry(id, [line.scope], actual));
        if (index % 3 === 0) await ledger.append(one.entry(id, [line.scope], actual));
        expected += actual;
        entries++;
      }),
    );
    assert.ok(entries > 20, "hardly anything was admitted");
    assert.deepEqual(await one.counter(line), { spent: expected, pending: 0n });
    assert.deepEqual(await ledger.spent({ scope: line.scope }), { billed: expected, pending: 0n, entries });
  });
}
