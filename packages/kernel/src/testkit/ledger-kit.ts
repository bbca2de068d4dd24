import assert from "node:assert/strict";
import { isGatewayError } from "../errors.ts";
import type { BudgetLine, Ledger } from "../ledger.ts";
import { LedgerCase } from "./ledger-case.ts";
import { checkEntries } from "./ledger-entries.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";

/** Everything is on unless declared `false`. */
export interface LedgerCapabilities {
  /** Off: what is kept does not outlive the ledger object. */
  readonly durable?: boolean;
  /** Off: nothing outside the process can fail. */
  readonly outage?: boolean;
  /** Off: counters hold no more than 2^53 nano-dollars (about nine million dollars). */
  readonly wideAmounts?: boolean;
}

/** What `testLedger` needs. */
export interface LedgerKit {
  readonly runner: Runner;
  /** Made anew for every case; may share a store, since the kit makes up its own scopes. */
  readonly ledger: () => Ledger | Promise<Ledger>;
  /** Closes the ledger and opens another one on the same store. */
  readonly reopen?: (ledger: Ledger) => Ledger | Promise<Ledger>;
  /** A ledger whose store cannot be reached. */
  readonly unreachable?: () => Ledger | Promise<Ledger>;
  readonly capabilities?: LedgerCapabilities;
}

/** The conformance suite of ledgers: the promises of the contract, under repetition and concurrency. */
export function testLedger(kit: LedgerKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  const add = (name: string, body: (one: LedgerCase) => Promise<void>, needs: readonly string[] = []): void =>
    cases.add(
      name,
      async () => {
        const ledger = await kit.ledger();
        try {
          await body(new LedgerCase(ledger));
        } finally {
          await ledger.close?.();
        }
      },
      needs,
    );
  cases.group("ledger conformance", () => {
    checkLimits(add);
    checkSettlement(add);
    checkEntries(add);
    add(
      "keeps everything when it is opened again",
      async (one) => {
        const { reopen } = kit;
        assert.ok(reopen !== undefined, "give reopen, or declare capabilities.durable: false");
        const line = one.line("durable", 100n);
        const open = await one.held(30n, line);
        await one.ledger.dispatched?.(open);
        const settled = await one.held(20n, line);
        await one.ledger.dispatched?.(settled);
        await one.ledger.settle({ id: settled, actual: 15n, status: "final" });
        await one.ledger.append(one.entry(settled, [line.scope], 15n));
        const again = await reopen(one.ledger);
        try {
          const later = new LedgerCase(again);
          // What was sent and not settled is still held, or posted at its estimate.
          const { spent, pending } = await later.counter(line);
          assert.ok(spent === 15n || spent === 45n, `${spent} is spent`);
          assert.equal(spent + pending, 45n);
          const sum = await again.spent({ scope: line.scope });
          assert.deepEqual([sum.billed, sum.pending], [spent, pending]);
          await again.settle({ id: settled, actual: 15n, status: "final" });
          await again.settle({ id: open, actual: 30n, status: "final" });
          assert.deepEqual(await later.counter(line), { spent: 45n, pending: 0n });
        } finally {
          await again.close?.();
        }
      },
      ["durable"],
    );
    cases.add("that cannot decide says so", () => checkOutage(kit), ["outage"]);
  });
}

async function checkOutage({ unreachable }: LedgerKit): Promise<void> {
  assert.ok(unreachable !== undefined, "give unreachable, or declare capabilities.outage: false");
  const ledger = await unreachable();
  const one = new LedgerCase(ledger);
  try {
    const reservation = { id: one.id(), estimate: 1n, lines: [one.line("down", 100n)] };
    await assert.rejects(
      async () => ledger.reserve(reservation),
      (thrown: unknown) => {
        assert.ok(isGatewayError(thrown), "it should be a GatewayError");
        assert.equal(thrown.code, "ledger_unavailable");
        return true;
      },
      "an unreachable store is never taken for a free budget",
    );
  } finally {
    await ledger.close?.();
  }
}

type Add = (name: string, body: (one: LedgerCase) => Promise<void>, needs?: readonly string[]) => void;

function checkLimits(add: Add): void {
  add("holds up to the limit, and not one nano-dollar more", async (one) => {
    const line = one.line("edge", 100n);
    await one.held(60n, line);
    await one.held(40n, line);
    const answer = await one.ledger.reserve({ id: one.id(), estimate: 1n, lines: [line] });
    assert.deepEqual(answer, { held: false, line, spent: 0n, pending: 100n });
  });

  add("spends nothing under a limit of 0", async (one) => {
    await one.denied(1n, one.line("zero", 0n));
  });

  add("never blocks without a limit", async (one) => {
    const line = one.line("free", null);
    await one.held(1_000_000_000_000_000n, line);
    await one.held(1_000_000_000_000_000n, line);
    assert.deepEqual(await one.counter(line), { spent: 0n, pending: 2_000_000_000_000_000n });
  });

  add("holds an attempt that no budget counts", async (one) => {
    const id = await one.held(5n);
    await one.ledger.settle({ id, actual: 5n, status: "final" });
  });

  add("changes nothing when one of several lines denies", async (one) => {
    const wide = one.line("wide", 100n);
    const narrow = one.line("narrow", 5n);
    const open = one.line("open", null);
    for (const lines of [
      [wide, narrow, open],
      [narrow, wide, open],
      [open, wide, narrow],
    ]) {
      const answer = await one.ledger.reserve({ id: one.id(), estimate: 10n, lines });
      assert.deepEqual(answer, { held: false, line: narrow, spent: 0n, pending: 0n }, "the denial names its line");
    }
    for (const line of [wide, narrow, open]) assert.deepEqual(await one.counter(line), { spent: 0n, pending: 0n });
  });

  add("charges all lines of one attempt", async (one) => {
    const lines = [one.line("key", 100n), one.line("team", 100n, "2026-11"), one.line("key", 100n, "2026-11-20")];
    const id = await one.held(30n, ...lines);
    await one.ledger.settle({ id, actual: 20n, status: "final" });
    for (const line of lines) assert.deepEqual(await one.counter(line), { spent: 20n, pending: 0n });
  });

  add("admits no more than the limit, however many ask at once", async (one) => {
    const tight = one.line("tight", 500n);
    const open = one.line("any", null);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => {
        const lines = index % 2 === 0 ? [tight, open] : [open, tight];
        return one.ledger.reserve({ id: one.id(), estimate: 10n, lines });
      }),
    );
    assert.equal(answers.filter(({ held }) => held).length, 50);
    assert.deepEqual(await one.counter(tight), { spent: 0n, pending: 500n });
    assert.deepEqual(await one.counter(open), { spent: 0n, pending: 500n });
  });

  add("keeps the limit while reservations come, settle and go", async (one) => {
    const line = one.line("busy", 200n);
    let spent = 0n;
    let admitted = 0;
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const id = one.id();
        if (!(await one.ledger.reserve({ id, estimate: 10n, lines: [line] })).held) return;
        admitted++;
        if (index % 3 === 0) return await one.ledger.void(id);
        await one.ledger.settle({ id, actual: 7n, status: "final" });
        spent += 7n;
      }),
    );
    assert.ok(admitted >= 20, `only ${admitted} of at least 20 were admitted`);
    assert.ok(spent <= 200n, `${spent} was spent under a limit of 200`);
    assert.deepEqual(await one.counter(line), { spent, pending: 0n });
  });

  add("keeps apart: periods, ids, kinds and models", async (one) => {
    const { id } = one.scope("x");
    const lines: readonly BudgetLine[] = [
      { scope: { kind: "key", id }, period: "2026-11", limit: 10n },
      { scope: { kind: "key", id }, period: "2026-12", limit: 10n },
      { scope: { kind: "user", id }, period: "2026-11", limit: 10n },
      { scope: { kind: "key", id, model: "gpt-5" }, period: "2026-11", limit: 10n },
      { scope: { kind: "key", id: `${id}:gpt-5` }, period: "2026-11", limit: 10n },
      { scope: { kind: "key", id: `${id}/gpt-5` }, period: "2026-11", limit: 10n },
      { scope: { kind: "key", id: `${id}"gpt-5` }, period: "2026-11", limit: 10n },
      { scope: { kind: `key:${id}`, id: "gpt-5" }, period: "2026-11", limit: 10n },
      { scope: { kind: "key", id: `${id}%` }, period: "2026-11", limit: 10n },
      { scope: { kind: "key", id: id.toUpperCase() }, period: "2026-11", limit: 10n },
    ];
    for (const line of lines) await one.held(10n, line);
    for (const line of lines) assert.deepEqual(await one.counter(line), { spent: 0n, pending: 10n });
  });

  add("applies a changed limit to the next reservation", async (one) => {
    const line = one.line("moved", 100n);
    await one.held(50n, line);
    await one.denied(1n, { ...line, limit: 40n });
    await one.held(100n, { ...line, limit: 150n });
  });

  add(
    "counts amounts that a floating-point number cannot",
    async (one) => {
      const line = one.line("wide", 4_000_000_000_000_000_000n);
      const odd = 9_007_199_254_740_993n;
      const id = await one.held(odd, line);
      assert.deepEqual(await one.counter(line), { spent: 0n, pending: odd });
      await one.ledger.settle({ id, actual: odd + 2n, status: "final" });
      assert.deepEqual(await one.counter(line), { spent: odd + 2n, pending: 0n });
    },
    ["wideAmounts"],
  );
}

function checkSettlement(add: Add): void {
  add("answers a repeated reservation as before", async (one) => {
    const line = one.line("again", 10n);
    const id = one.id();
    const ask = () => one.ledger.reserve({ id, estimate: 10n, lines: [line] });
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    assert.ok(
      answers.every(({ held }) => held),
      "the same id was held and denied",
    );
    assert.deepEqual(await one.counter(line), { spent: 0n, pending: 10n });
    await one.ledger.settle({ id, actual: 4n, status: "final" });
    assert.deepEqual(await ask(), { held: true });
    assert.deepEqual(await one.counter(line), { spent: 4n, pending: 0n });
  });

  add("settles once, however often it is told", async (one) => {
    const line = one.line("settle", 100n);
    const id = await one.held(50n, line);
    const settle = () => one.ledger.settle({ id, actual: 20n, status: "final" });
    await Promise.all(Array.from({ length: 20 }, settle));
    await settle();
    assert.deepEqual(await one.counter(line), { spent: 20n, pending: 0n });
    await one.held(80n, line);
  });

  add("posts only the difference when a guess becomes final", async (one) => {
    for (const status of ["estimated", "counted"] as const) {
      const line = one.line(status, 100n);
      const less = await one.held(50n, line);
      await one.ledger.settle({ id: less, actual: 50n, status });
      assert.deepEqual(await one.counter(line), { spent: 50n, pending: 0n });
      await one.ledger.settle({ id: less, actual: 30n, status: "final" });
      assert.deepEqual(await one.counter(line), { spent: 30n, pending: 0n });
      const more = await one.held(10n, line);
      await one.ledger.settle({ id: more, actual: 10n, status });
      await one.ledger.settle({ id: more, actual: 12n, status: "final" });
      assert.deepEqual(await one.counter(line), { spent: 42n, pending: 0n });
    }
  });

  add("never turns what is final into a guess", async (one) => {
    const line = one.line("final", 100n);
    const id = await one.held(50n, line);
    await one.ledger.settle({ id, actual: 20n, status: "final" });
    await one.ledger.settle({ id, actual: 50n, status: "estimated" });
    await one.ledger.void(id);
    assert.deepEqual(await one.counter(line), { spent: 20n, pending: 0n });
  });

  add("voids once, and for good", async (one) => {
    const line = one.line("void", 100n);
    const id = await one.held(100n, line);
    await Promise.all(Array.from({ length: 20 }, () => one.ledger.void(id)));
    assert.deepEqual(await one.counter(line), { spent: 0n, pending: 0n });
    await one.ledger.settle({ id, actual: 70n, status: "estimated" });
    assert.deepEqual(await one.counter(line), { spent: 0n, pending: 0n });
    await one.held(100n, line);
  });

  add("voids a guess that proves to have cost nothing", async (one) => {
    const line = one.line("proof", 100n);
    const id = await one.held(60n, line);
    await one.ledger.settle({ id, actual: 60n, status: "estimated" });
    await one.ledger.void(id);
    assert.deepEqual(await one.counter(line), { spent: 0n, pending: 0n });
  });

  add("posts a cost above its estimate in full", async (one) => {
    const line = one.line("above", 100n);
    const id = await one.held(90n, line);
    await one.ledger.settle({ id, actual: 130n, status: "final" });
    assert.deepEqual(await one.counter(line), { spent: 130n, pending: 0n });
    await one.denied(1n, line);
  });

  add("takes settlements of ids that it never held", async (one) => {
    await one.ledger.settle({ id: one.id(), actual: 5n, status: "final" });
    await one.ledger.void(one.id());
  });
}
