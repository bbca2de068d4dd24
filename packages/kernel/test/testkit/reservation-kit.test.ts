import { describe, expect, it } from "vitest";
import type { ReservationStore } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { MemoryReservations } from "@signalbox/kernel/ledger";
import type { ReservationStoreKit } from "@signalbox/kernel/testkit";
import { testReservationStore } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

const capabilities = { shared: false, outage: false };

describe("testReservationStore on the memory store", () => {
  testReservationStore({ runner: { describe, it }, store: () => new MemoryReservations(), capabilities });
});

/** A right store with some operations replaced. */
function broken(change: (inner: MemoryReservations) => Partial<ReservationStore>): () => ReservationStore {
  return () => {
    const inner = new MemoryReservations();
    const right: ReservationStore = {
      reserve: (request, leaseMs) => inner.reserve(request, leaseMs),
      settle: (settlements) => inner.settle(settlements),
      renew: (ids, leaseMs) => inner.renew(ids, leaseMs),
      reap: () => inner.reap(),
      balance: (line) => inner.balance(line),
      correct: (line, expected, difference) => inner.correct(line, expected, difference),
    };
    return { ...right, ...change(inner) };
  };
}

const pause = () => new Promise((resolve) => setImmediate(resolve));

describe("testReservationStore on stores that are wrong", () => {
  let fresh = 0;
  const renamed = (id: string) => `${id}#${fresh++}`;

  const wrong: Readonly<Record<string, readonly [() => ReservationStore, RegExp]>> = {
    "that reads, waits and then reserves": [
      broken((inner) => ({
        async reserve(request, leaseMs) {
          for (const line of request.lines) {
            const { posted, pending } = await inner.balance(line);
            if (line.limit !== null && posted + pending + request.estimate > line.limit) {
              return { held: false, line, spent: posted, pending };
            }
          }
          await pause();
          return inner.reserve({ ...request, lines: request.lines.map((line) => ({ ...line, limit: null })) }, leaseMs);
        },
      })),
      /1,000 at once/,
    ],
    "that takes 0 for no limit": [
      broken((inner) => ({
        reserve: (request, leaseMs) => {
          const lines = request.lines.map((line) => (line.limit === 0n ? { ...line, limit: null } : line));
          return inner.reserve({ ...request, lines }, leaseMs);
        },
      })),
      /limit of 0/,
    ],
    "that reserves line after line": [
      broken((inner) => ({
        async reserve(request, leaseMs) {
          for (const [index, line] of request.lines.entries()) {
            const answer = await inner.reserve({ ...request, id: `${request.id}#${index}`, lines: [line] }, leaseMs);
            if (!answer.held) return answer;
          }
          return { held: true };
        },
      })),
      /changes nothing when one/,
    ],
    "that reserves a repeated id again": [
      broken((inner) => ({
        reserve: (request, leaseMs) => inner.reserve({ ...request, id: renamed(request.id) }, leaseMs),
      })),
      /repeated reservation/,
    ],
    "that posts a repeated settlement again": [
      broken((inner) => ({
        settle: (all) => inner.settle(all.map((each) => ({ ...each, id: renamed(each.id) }))),
      })),
      /settles once/,
    ],
    "that forgets unknown ids": [
      broken((inner) => {
        const held = new Set<string>();
        return {
          async reserve(request, leaseMs) {
            held.add(request.id);
            return inner.reserve(request, leaseMs);
          },
          settle: (all) => inner.settle(all.filter(({ id }) => held.has(id))),
        };
      }),
      /without a reservation/,
    ],
    "that lets a guess replace what is final": [
      broken((inner) => {
        const seen = new Map<string, bigint>();
        return {
          async settle(all) {
            for (const each of all) {
              const before = seen.get(each.id);
              if (before === undefined) await inner.settle([each]);
              else {
                for (const line of each.lines) {
                  const { posted } = await inner.balance(line);
                  await inner.correct(line, posted, each.actual - before);
                }
              }
              seen.set(each.id, each.actual);
            }
          },
        };
      }),
      /final into a guess/,
    ],
    "that releases an expired reservation": [
      broken((inner) => ({
        async reap() {
          const reaped = await inner.reap();
          await inner.settle(reaped.map((each) => ({ ...each, actual: 0n, status: "final" })));
          return reaped;
        },
      })),
      /at its estimate/,
    ],
    "that never reaps": [broken(() => ({ reap: async () => [] })), /tells it once/],
    "that reaps what was renewed": [broken(() => ({ renew: async () => undefined })), /renewed/],
    "that counts with floating-point numbers": [
      broken((inner) => ({
        reserve: (request, leaseMs) =>
          inner.reserve({ ...request, estimate: BigInt(Number(request.estimate)) }, leaseMs),
      })),
      /floating-point/,
    ],
    "that corrects what has changed": [
      broken((inner) => ({
        correct: async (line, _expected, difference) =>
          inner.correct(line, (await inner.balance(line)).posted, difference),
      })),
      /unless it has changed/,
    ],
    "that mixes models up": [
      broken((inner) => ({
        reserve: (request, leaseMs) => {
          const lines = request.lines.map(({ scope: { kind, id }, ...line }) => ({ ...line, scope: { kind, id } }));
          return inner.reserve({ ...request, lines }, leaseMs);
        },
      })),
      /keeps apart/,
    ],
  };
  for (const [name, [store, match]] of Object.entries(wrong)) {
    it(name, async () => {
      const runner = fakeRunner();
      testReservationStore({ runner, store, capabilities });
      expect(await failuresOf(runner.cases, match)).not.toEqual([]);
    });
  }

  const only = async (kit: Partial<ReservationStoreKit>, match: RegExp): Promise<readonly string[]> => {
    const runner = fakeRunner();
    testReservationStore({ runner, store: () => new MemoryReservations(), ...kit });
    return await failuresOf(runner.cases, match);
  };

  it("that are free when their server is away", async () => {
    expect(await only({ unreachable: () => new MemoryReservations() }, /cannot decide/)).toHaveLength(1);
    const unreachable = async (): Promise<ReservationStore> => {
      const store = new MemoryReservations();
      await store.close();
      return store;
    };
    expect(await only({ unreachable }, /cannot decide/)).toEqual([]);
    expect(new GatewayError("ledger_unavailable", "x").status).toBe(503);
  });

  it("whose processes do not share", async () => {
    expect(await only({ another: () => new MemoryReservations() }, /two processes/)).toHaveLength(1);
    expect(await only({}, /two processes/)).toHaveLength(1);
  });
});
