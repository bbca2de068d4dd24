import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReservationRequest, Settlement } from "@signalbox/kernel";
import { MemoryReservations } from "@signalbox/kernel/ledger";

const LINES = [50n, 20n, null, 0n].map((limit, index) => ({
  scope: { kind: "key", id: `k${index}` },
  period: "all",
  limit,
}));

const lines = fc.subarray(LINES);
const id = fc.integer({ min: 0, max: 5 }).map((number) => `call/${number}`);
const amount = fc.bigInt({ min: 1n, max: 30n });
const reserve = fc.record({ id, estimate: amount, lines });
const settle = fc.record({ id, actual: amount, status: fc.constantFrom("final", "counted", "estimated"), lines });

describe("MemoryReservations", () => {
  it("never lets a reservation through that goes over a limit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(reserve, { maxLength: 60 }), async (requests: readonly ReservationRequest[]) => {
        const store = new MemoryReservations();
        for (const request of requests) {
          await store.reserve(request, 60_000);
          for (const line of LINES) {
            const { posted, pending } = await store.balance(line);
            if (line.limit !== null) expect(posted + pending <= line.limit).toBe(true);
          }
        }
      }),
    );
  });

  it("ends the same when every operation is repeated", async () => {
    const operations = fc.array(fc.oneof(reserve, settle), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(operations, fc.integer({ min: 2, max: 3 }), async (all, times) => {
        const [once, often] = [new MemoryReservations(), new MemoryReservations()];
        for (const [store, count] of [[once, 1] as const, [often, times] as const]) {
          for (const operation of all) {
            for (let turn = 0; turn < count; turn++) {
              if ("estimate" in operation) await store.reserve(operation, 60_000);
              else await store.settle([operation as Settlement & { lines: typeof LINES }]);
            }
          }
        }
        for (const line of LINES) expect(await often.balance(line)).toEqual(await once.balance(line));
      }),
    );
  });

  it("remembers the latest certain ids, and every guess", async () => {
    const store = new MemoryReservations({ remembered: 2 });
    const [line] = LINES.slice(2);
    const lines = line === undefined ? [] : [line];
    const end = (id: string, actual: bigint, status: Settlement["status"] = "final") =>
      store.settle([{ id, actual, status, lines }]);
    await end("guess", 100n, "estimated");
    for (const id of ["a", "b", "c", "d", "e"]) await end(id, 1n);
    for (const id of ["c", "d", "e"]) await end(id, 1n);
    const posted = async () => (await store.balance(lines[0] as (typeof LINES)[0])).posted;
    expect(await posted()).toBe(105n);
    await end("guess", 10n);
    await end("guess", 10n);
    expect(await posted()).toBe(15n);
    // long ago
    await end("a", 1n);
    expect(await posted()).toBe(16n);
  });
});
