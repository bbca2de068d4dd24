import assert from "node:assert/strict";
import { isGatewayError } from "../errors.ts";
import type { BudgetLine } from "../ledger.ts";
import type { ReservationStore } from "../ledger-stores.ts";
import { LONG_LEASE_MS, ReservationCase } from "./reservation-case.ts";
import { checkCorrections, checkLeases } from "./reservation-leases.ts";
import { checkRandomRuns } from "./reservation-model.ts";
import { checkRecall, checkRecovery, inTwoProcesses } from "./reservation-recovery.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";

/** Everything is on unless declared `false`. */
export interface ReservationStoreCapabilities {
  /** Off: the counters are one process's own. */
  readonly shared?: boolean;
  /** Off: nothing outside the process can fail. */
  readonly outage?: boolean;
  /** Off: counters hold no more than 2^53 nano-dollars (about nine million dollars). */
  readonly wideAmounts?: boolean;
}

/** What `testReservationStore` needs. */
export interface ReservationStoreKit {
  readonly runner: Runner;
  /** Made anew for every case. May keep what is there, since the kit makes up its own scopes; nobody else reaps in it. */
  readonly store: () => ReservationStore | Promise<ReservationStore>;
  /** The same counters as another process sees them. */
  readonly another?: (store: ReservationStore) => ReservationStore | Promise<ReservationStore>;
  /** Loses all that is counted, as a server does that is started again empty: for counters with `recover`. */
  readonly lose?: (store: ReservationStore) => void | Promise<void>;
  /** A store whose server cannot be reached. */
  readonly unreachable?: () => ReservationStore | Promise<ReservationStore>;
  readonly capabilities?: ReservationStoreCapabilities;
}

type Add = (name: string, body: (one: ReservationCase) => Promise<void>, needs?: readonly string[]) => void;

/**
 * The conformance suite of the counters behind budgets: `posted + pending <= limit`, all lines or none, every operation
 * by its id once, and nothing released silently.
 */
export function testReservationStore(kit: ReservationStoreKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  const add: Add = (name, body, needs = []) =>
    cases.add(
      name,
      async () => {
        const store = await kit.store();
        try {
          await body(new ReservationCase(store));
        } finally {
          await store.close?.();
        }
      },
      needs,
    );
  cases.group("reservation store conformance", () => {
    checkLimits(add);
    checkSettlements(add);
    checkLeases(add);
    checkCorrections(add);
    checkRecall(add);
    checkRandomRuns(add);
    add("admits no more than the limit over two processes", (one) => checkTwoProcesses(kit, one), ["shared"]);
    const { lose, another } = kit;
    if (lose !== undefined) {
      add("is closed when its counters are lost, and rebuilt by all processes, once", ({ store }) =>
        inTwoProcesses(store, another, (one, other) => checkRecovery(one, other, async () => lose(store))),
      );
    }
    cases.add("that cannot decide says so", () => checkOutage(kit), ["outage"]);
  });
}

function checkLimits(add: Add): void {
  add("holds up to the limit, and not one nano-dollar more", async (one) => {
    const line = one.line("edge", 100n);
    await one.held(60n, [line]);
    await one.held(40n, [line]);
    assert.deepEqual(await one.denied(1n, line), { posted: 0n, pending: 100n });
    await one.balances([line], 0n, 100n);
  });

  add("counts what is posted beside what is reserved", async (one) => {
    const line = one.line("both", 100n);
    await one.settle(await one.held(50n, [line]), 50n, [line]);
    await one.held(30n, [line]);
    assert.deepEqual(await one.denied(21n, line), { posted: 50n, pending: 30n });
    await one.held(20n, [line]);
  });

  add("spends nothing under a limit of 0, and has no limit where it is null", async (one) => {
    await one.denied(1n, one.line("zero", 0n));
    const free = one.line("free", null);
    await one.held(1_000_000_000_000_000n, [free]);
    await one.held(1_000_000_000_000_000n, [free]);
    await one.balances([free], 0n, 2_000_000_000_000_000n);
  });

  add("knows nothing of lines that nobody used, and holds what has no line", async (one) => {
    await one.balances([one.line("unused", 10n)], 0n, 0n);
    const id = await one.held(5n, []);
    await one.settle(id, 4n, []);
  });

  add("changes nothing when one of several lines denies", async (one) => {
    const [wide, narrow, open] = [one.line("wide", 100n), one.line("narrow", 5n), one.line("open", null)];
    for (const lines of [
      [wide, narrow, open],
      [narrow, wide, open],
      [open, wide, narrow],
    ]) {
      const answer = await one.store.reserve({ id: one.id(), estimate: 10n, lines }, LONG_LEASE_MS);
      assert.deepEqual(answer, { held: false, line: narrow, spent: 0n, pending: 0n });
    }
    await one.balances([wide, narrow, open], 0n, 0n);
  });

  add("asks again for an id that was denied", async (one) => {
    const line = one.line("retry", 10n);
    const id = one.id();
    assert.equal((await one.store.reserve({ id, estimate: 11n, lines: [line] }, LONG_LEASE_MS)).held, false);
    assert.equal((await one.store.reserve({ id, estimate: 9n, lines: [line] }, LONG_LEASE_MS)).held, true);
    await one.balances([line], 0n, 9n);
  });

  add("charges two windows, two tags, a customer and a session by one call", async (one) => {
    const tagged = (name: string, kind: string): BudgetLine => ({
      scope: one.scope(name, kind),
      period: "all",
      limit: 100n,
    });
    const lines = [
      one.line("key", 100n, "2026-11"),
      one.line("key", 100n, "2026-11-20"),
      tagged("red", "tag"),
      tagged("blue", "tag"),
      tagged("c", "customer"),
      tagged("s", "session"),
    ];
    const id = await one.held(30n, lines);
    await one.balances(lines, 0n, 30n);
    await one.settle(id, 20n, lines);
    await one.balances(lines, 20n, 0n);
  });

  add("keeps apart: periods, ids, kinds and models", async (one) => {
    const { id } = one.scope("x");
    const key = (rest: object): BudgetLine => ({ scope: { kind: "key", id, ...rest }, period: "2026-11", limit: 10n });
    const lines: readonly BudgetLine[] = [
      key({}),
      { ...key({}), period: "2026-12" },
      key({ kind: "user" }),
      key({ model: "gpt-5" }),
      key({ model: "" }),
      key({ id: `${id}:gpt-5` }),
      key({ id: `${id}/gpt-5` }),
      key({ id: `${id}"gpt-5` }),
      key({ id: `${id}{gpt-5}` }),
      key({ kind: `key:${id}`, id: "gpt-5" }),
      key({ id: id.toUpperCase() }),
      key({ id: `${id} \u{1F600}é` }),
    ];
    for (const line of lines) await one.held(10n, [line]);
    await one.balances(lines, 0n, 10n);
  });

  add("applies a changed limit to the next reservation", async (one) => {
    const line = one.line("moved", 100n);
    await one.held(50n, [line]);
    await one.denied(1n, { ...line, limit: 40n });
    await one.held(100n, [{ ...line, limit: 150n }]);
    await one.held(5n, [{ ...line, limit: null }]);
    await one.denied(1n, line);
  });

  add("admits no more than the limit, of 1,000 at once", async (one) => {
    const [tight, open] = [one.line("tight", 3_000n), one.line("any", null)];
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => {
        const lines = index % 2 === 0 ? [tight, open] : [open, tight];
        return one.store.reserve({ id: one.id(), estimate: 10n, lines }, LONG_LEASE_MS);
      }),
    );
    assert.equal(answers.filter(({ held }) => held).length, 300);
    await one.balances([tight, open], 0n, 3_000n);
  });

  add(
    "counts amounts that a floating-point number cannot",
    async (one) => {
      const line = one.line("wide", 4_000_000_000_000_000_000n);
      const odd = 9_007_199_254_740_993n;
      const id = await one.held(odd, [line]);
      await one.balances([line], 0n, odd);
      await one.settle(id, odd + 2n, [line]);
      await one.balances([line], odd + 2n, 0n);
      await one.denied(4_000_000_000_000_000_000n - odd - 1n, line);
      await one.held(4_000_000_000_000_000_000n - odd - 2n, [line]);
    },
    ["wideAmounts"],
  );
}

function checkSettlements(add: Add): void {
  add("answers a repeated reservation as before", async (one) => {
    const line = one.line("again", 10n);
    const id = one.id();
    const ask = () => one.store.reserve({ id, estimate: 10n, lines: [line] }, LONG_LEASE_MS);
    for (const answer of await Promise.all(Array.from({ length: 20 }, ask))) assert.deepEqual(answer, { held: true });
    await one.balances([line], 0n, 10n);
    await one.settle(id, 4n, [line]);
    assert.deepEqual(await ask(), { held: true });
    await one.balances([line], 4n, 0n);
  });

  add("settles once, however often it is told", async (one) => {
    const lines = [one.line("settle", 100n), one.line("other", null)];
    const id = await one.held(50n, lines);
    await Promise.all(Array.from({ length: 20 }, () => one.settle(id, 20n, lines)));
    const settlement = { id, actual: 20n, status: "final", lines } as const;
    await one.store.settle([settlement, settlement, settlement]);
    await one.balances(lines, 20n, 0n);
  });

  add("settles many at once, of several lines", async (one) => {
    const [left, right] = [one.line("left", 10_000n), one.line("right", 10_000n)];
    const open = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const lines = index % 2 === 0 ? [left] : [left, right];
        return { id: await one.held(10n, lines), actual: BigInt(index % 11), status: "final", lines } as const;
      }),
    );
    await one.store.settle(open);
    const sum = (some: typeof open) => some.reduce((total, { actual }) => total + actual, 0n);
    await one.balances([left], sum(open), 0n);
    await one.balances([right], sum(open.filter(({ lines }) => lines.length === 2)), 0n);
    await one.store.settle([]);
  });

  add("posts only the difference when a guess becomes final, up or down", async (one) => {
    for (const status of ["estimated", "counted"] as const) {
      const lines = [one.line(status, 100n)];
      const less = await one.held(50n, lines);
      await one.settle(less, 50n, lines, status);
      await one.balances(lines, 50n, 0n);
      await one.settle(less, 30n, lines);
      await one.balances(lines, 30n, 0n);
      const more = await one.held(10n, lines);
      await one.settle(more, 10n, lines, status);
      await one.settle(more, 12n, lines);
      await one.balances(lines, 42n, 0n);
    }
  });

  add("never turns what is final into a guess, nor into another amount", async (one) => {
    const lines = [one.line("final", 100n)];
    const id = await one.held(50n, lines);
    await one.settle(id, 20n, lines);
    await one.settle(id, 50n, lines, "estimated");
    await one.settle(id, 40n, lines, "counted");
    await one.settle(id, 0n, lines);
    await one.balances(lines, 20n, 0n);
  });

  add("voids by a settlement of 0, for good", async (one) => {
    const lines = [one.line("void", 100n)];
    const id = await one.held(100n, lines);
    await one.settle(id, 0n, lines);
    await one.settle(id, 70n, lines, "estimated");
    await one.balances(lines, 0n, 0n);
    const guess = await one.held(60n, lines);
    await one.settle(guess, 60n, lines, "estimated");
    await one.settle(guess, 0n, lines);
    await one.balances(lines, 0n, 0n);
    await one.held(100n, lines);
  });

  add("posts a cost above its estimate in full", async (one) => {
    const line = one.line("above", 100n);
    await one.settle(await one.held(90n, [line]), 130n, [line]);
    await one.balances([line], 130n, 0n);
    assert.deepEqual(await one.denied(1n, line), { posted: 130n, pending: 0n });
  });

  add("posts an id without a reservation to its lines, once", async (one) => {
    const lines = [one.line("unknown", 100n), one.line("unknown", 100n, "2026-11")];
    const id = one.id();
    await one.settle(id, 7n, lines, "estimated");
    await one.settle(id, 7n, lines, "estimated");
    await one.balances(lines, 7n, 0n);
    await one.settle(id, 5n, lines);
    await one.settle(id, 5n, lines);
    await one.balances(lines, 5n, 0n);
  });

  add("holds nothing for a reservation that comes after its settlement", async (one) => {
    const line = one.line("late", 100n);
    const id = one.id();
    await one.settle(id, 0n, [line]);
    assert.deepEqual(await one.store.reserve({ id, estimate: 10n, lines: [line] }, LONG_LEASE_MS), { held: true });
    await one.balances([line], 0n, 0n);
  });

  add("posts to the lines of the reservation, whatever a settlement says", async (one) => {
    const [old, next] = [one.line("k", 100n, "2026-11-20"), one.line("k", 100n, "2026-11-21")];
    const id = await one.held(10n, [old]);
    await one.settle(id, 8n, [next]);
    await one.balances([old], 8n, 0n);
    await one.balances([next], 0n, 0n);
  });
}

async function checkTwoProcesses({ another }: ReservationStoreKit, { store }: ReservationCase): Promise<void> {
  await inTwoProcesses(store, another, async (one, other) => {
    const line = one.line("both", 500n);
    const ids = Array.from({ length: 200 }, () => one.id());
    const answers = await Promise.all(
      ids.map((id, index) => {
        const store = index % 2 === 0 ? one.store : other;
        return store.reserve({ id, estimate: 10n, lines: [line] }, LONG_LEASE_MS);
      }),
    );
    assert.equal(answers.filter(({ held }) => held).length, 50);
    const held = ids[answers.findIndex((answer) => answer.held)] as string;
    await other.settle([{ id: held, actual: 4n, status: "final", lines: [line] }]);
    await one.settle(held, 4n, [line]);
    await one.balances([line], 4n, 490n);
    assert.deepEqual(await other.balance(line), { posted: 4n, pending: 490n });
  });
}

async function checkOutage({ unreachable }: ReservationStoreKit): Promise<void> {
  assert.ok(unreachable !== undefined, "give unreachable, or declare capabilities.outage: false");
  const store = await unreachable();
  const one = new ReservationCase(store);
  const line = one.line("down", 100n);
  const refused = (thrown: unknown): boolean => {
    assert.ok(isGatewayError(thrown), "it should be a GatewayError");
    assert.equal(thrown.code, "ledger_unavailable");
    return true;
  };
  try {
    for (const limit of [100n, null]) {
      const ask = { id: one.id(), estimate: 1n, lines: [{ ...line, limit }] };
      await assert.rejects(async () => store.reserve(ask, LONG_LEASE_MS), refused, "never taken for a free budget");
    }
    await assert.rejects(async () => one.settle(one.id(), 1n, [line]), refused, "a settlement is not dropped silently");
    await assert.rejects(async () => store.balance(line), refused);
  } finally {
    await store.close?.();
  }
}
