import { describe, expect, it } from "vitest";
import type { Entry, Ledger, ReservationRequest, Settlement } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { LedgerKit } from "@signalbox/kernel/testkit";
import { MemoryLedger, testLedger } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

const capabilities = { durable: false, outage: false };

describe("testLedger on the memory ledger", () => {
  testLedger({ runner: { describe, it }, ledger: () => new MemoryLedger(), capabilities });
});

/** A right ledger with one operation replaced. */
function broken(change: (inner: MemoryLedger) => Partial<Ledger>): () => Ledger {
  return () => {
    const inner = new MemoryLedger();
    const right: Ledger = {
      reserve: (request) => inner.reserve(request),
      settle: (settlement) => inner.settle(settlement),
      void: (id) => inner.void(id),
      append: (entry) => inner.append(entry),
      spent: (query) => inner.spent(query),
    };
    return { ...right, ...change(inner) };
  };
}

const pause = () => new Promise((resolve) => setImmediate(resolve));

/** Reads, waits, then writes: the classic overspend. `spentOf` reads without reserving. */
function checkThenAdd(): Ledger {
  const pending = new Map<string, bigint>();
  const inner = new MemoryLedger();
  return {
    async reserve({ estimate, lines }: ReservationRequest) {
      for (const line of lines) {
        const before = pending.get(line.scope.id) ?? 0n;
        if (line.limit !== null && before + estimate > line.limit) {
          return { held: false, line, spent: 0n, pending: before };
        }
      }
      await pause();
      for (const line of lines) pending.set(line.scope.id, (pending.get(line.scope.id) ?? 0n) + estimate);
      return { held: true };
    },
    settle: (settlement) => inner.settle(settlement),
    void: (id) => inner.void(id),
    append: (entry) => inner.append(entry),
    spent: (query) => inner.spent(query),
  };
}

/** A counter of its own for each line, reserved one after the other and not given back. */
function lineAfterLine(): Ledger {
  const inner = new MemoryLedger();
  return {
    async reserve({ id, estimate, lines }) {
      for (const [index, line] of lines.entries()) {
        const answer = await inner.reserve({ id: `${id}/${index}`, estimate, lines: [line] });
        if (!answer.held) return answer;
      }
      return { held: true };
    },
    settle: async ({ id, ...rest }) => {
      for (const index of [0, 1, 2]) await inner.settle({ id: `${id}/${index}`, ...rest });
    },
    void: async (id) => {
      for (const index of [0, 1, 2]) await inner.void(`${id}/${index}`);
    },
    append: (entry) => inner.append(entry),
    spent: (query) => inner.spent(query),
  };
}

describe("testLedger on ledgers that are wrong", () => {
  let fresh = 0;
  const once = <T extends { readonly id: string }>(value: T): T => ({ ...value, id: `${value.id}#${fresh++}` });

  const wrong: Readonly<Record<string, readonly [() => Ledger, RegExp]>> = {
    "checks, then adds": [checkThenAdd, /admits no more than the limit/],
    "reserves line after line": [lineAfterLine, /changes nothing when one of several lines denies/],
    "takes 0 for no limit": [
      broken((inner) => ({
        reserve: (request) =>
          inner.reserve({
            ...request,
            lines: request.lines.map((line) => (line.limit === 0n ? { ...line, limit: null } : line)),
          }),
      })),
      /spends nothing under a limit of 0/,
    ],
    "takes no limit for 0": [
      broken((inner) => ({
        reserve: (request) =>
          inner.reserve({ ...request, lines: request.lines.map((line) => ({ ...line, limit: line.limit ?? 0n })) }),
      })),
      /never blocks without a limit/,
    ],
    "denies at the limit": [
      broken((inner) => ({
        reserve: (request) =>
          inner.reserve({
            ...request,
            lines: request.lines.map((line) => (line.limit ? { ...line, limit: line.limit - 1n } : line)),
          }),
      })),
      /holds up to the limit/,
    ],
    "reserves a repeated id anew": [
      broken((inner) => ({ reserve: (request) => inner.reserve(once(request)) })),
      /answers a repeated reservation as before/,
    ],
    "forgets to settle": [broken(() => ({ settle: async () => {} })), /settles once/],
    "ignores corrections": [
      broken((inner) => {
        const seen = new Set<string>();
        return {
          async settle(settlement: Settlement) {
            if (seen.has(settlement.id)) return;
            seen.add(settlement.id);
            await inner.settle(settlement);
          },
        };
      }),
      /posts only the difference/,
    ],
    "caps costs at the estimate": [
      broken((inner) => {
        const estimates = new Map<string, bigint>();
        return {
          reserve(request: ReservationRequest) {
            estimates.set(request.id, request.estimate);
            return inner.reserve(request);
          },
          settle(settlement: Settlement) {
            const estimate = estimates.get(settlement.id) ?? settlement.actual;
            if (settlement.actual <= estimate) return inner.settle(settlement);
            return inner.settle({ ...settlement, actual: estimate });
          },
        };
      }),
      /above its estimate in full/,
    ],
    "never voids": [broken(() => ({ void: async () => {} })), /voids once/],
    "settles by voiding": [broken((inner) => ({ settle: ({ id }) => inner.void(id) })), /settles once/],
    "records twice": [
      broken((inner) => ({ append: (entry: Entry) => inner.append(once(entry)) })),
      /records an entry once/,
    ],
    "joins names with a colon": [
      broken((inner) => ({
        reserve: (request) =>
          inner.reserve({
            ...request,
            lines: request.lines.map((line) => {
              const { kind, id, model } = line.scope;
              return { ...line, scope: { kind: "all", id: [kind, id, model].filter(Boolean).join(":") } };
            }),
          }),
      })),
      /keeps apart/,
    ],
    "counts in floating point": [
      broken((inner) => ({
        reserve: (request) => inner.reserve({ ...request, estimate: BigInt(Number(request.estimate)) }),
      })),
      /floating-point/,
    ],
    "sums what the provider charged": [
      broken((inner) => ({ append: (entry: Entry) => inner.append({ ...entry, billed: entry.cost }) })),
      /sums what is billed by scope/,
    ],
    "includes the end of a time range": [
      broken((inner) => ({
        spent: (query) => inner.spent(query.to === undefined ? query : { ...query, to: query.to + 1 }),
      })),
      /from inclusive, to exclusive/,
    ],
    "throws for ids it does not know": [
      broken((inner) => ({
        async settle(settlement: Settlement) {
          throw new Error(`unknown id ${settlement.id} in ${inner.constructor.name}`);
        },
      })),
      /ids that it never held/,
    ],
  };

  it.each(Object.entries(wrong))("catches one that %s", async (_name, [ledger, match]) => {
    const runner = fakeRunner();
    testLedger({ runner, ledger, capabilities });
    expect(await failuresOf(runner.cases, match)).toHaveLength(1);
  });

  async function failures(kit: Omit<LedgerKit, "runner" | "ledger">, match: RegExp): Promise<readonly string[]> {
    const runner = fakeRunner();
    testLedger({ runner, ledger: () => new MemoryLedger(), ...kit });
    return await failuresOf(runner.cases, match);
  }

  it("catches one that forgets when it is opened again", async () => {
    expect(await failures({ reopen: () => new MemoryLedger() }, /opened again/)).toHaveLength(1);
    const shared = { reopen: (ledger: Ledger) => ledger };
    expect(await failures(shared, /opened again/)).toEqual([]);
    expect(await failures({}, /opened again/)).toEqual([
      "keeps everything when it is opened again: give reopen, or declare capabilities.durable: false",
    ]);
  });

  it("catches one that takes an outage for a free budget, or throws something else", async () => {
    const unreachable = (reserve: Ledger["reserve"]) => broken(() => ({ reserve }));
    const free = unreachable(async () => ({ held: true }));
    expect(await failures({ unreachable: free }, /cannot decide/)).toHaveLength(1);
    const bare = unreachable(() => Promise.reject(new Error("connect ECONNREFUSED")));
    expect(await failures({ unreachable: bare }, /cannot decide/)).toHaveLength(1);
    const right = unreachable(() => Promise.reject(new GatewayError("ledger_unavailable", "down")));
    expect(await failures({ unreachable: right }, /cannot decide/)).toEqual([]);
    expect(await failures({}, /cannot decide/)).toHaveLength(1);
  });
});

describe("MemoryLedger", () => {
  it("answers by period", async () => {
    const ledger = new MemoryLedger();
    const scope = { kind: "key", id: "k" };
    const entry = { callId: "c", attempt: 1, operation: "chat", model: "m", deployment: "d", provider: "p" };
    const rest = {
      ...entry,
      scopes: [scope],
      usage: { inputTokens: 1, outputTokens: 1 },
      cost: 1n,
      status: "final" as const,
    };
    for (const [id, period, billed] of [
      ["c/1", "2026-11", 5n],
      ["c/2", "2026-12", 7n],
    ] as const) {
      await ledger.reserve({ id, estimate: 10n, lines: [{ scope, period, limit: null }] });
      await ledger.settle({ id, actual: billed, status: "final" });
      await ledger.append({ ...rest, id, billed, startedAt: 1, endedAt: 2 });
    }
    await ledger.reserve({ id: "c/3", estimate: 9n, lines: [{ scope, period: "2026-12", limit: null }] });
    expect(await ledger.spent({ scope, period: "2026-11" })).toEqual({ billed: 5n, pending: 0n, entries: 1 });
    expect(await ledger.spent({ scope, period: "2026-12" })).toEqual({ billed: 7n, pending: 9n, entries: 1 });
    expect(await ledger.spent({})).toEqual({ billed: 12n, pending: 9n, entries: 2 });
  });

  it("is unavailable once it is closed", async () => {
    const ledger = new MemoryLedger();
    await ledger.close();
    await expect(ledger.spent({})).rejects.toMatchObject({ code: "ledger_unavailable" });
  });
});
