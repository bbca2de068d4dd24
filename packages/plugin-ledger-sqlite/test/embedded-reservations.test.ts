import { describe, expect, it } from "vitest";
import type { Entry } from "@signalbox/kernel";
import { testReservationStore } from "@signalbox/kernel/testkit";
import { Database } from "../src/database/database.ts";
import { EmbeddedReservations } from "../src/embedded-reservations.ts";
import { SqliteEntries } from "../src/entries/sqlite-entries.ts";

function entriesInMemory(): SqliteEntries {
  const database = new Database({ file: ":memory:", synchronous: "normal", busyTimeoutMs: 100 });
  database.open();
  return new SqliteEntries(database, 4);
}

describe("counters rebuilt from a file", () => {
  testReservationStore({
    runner: { describe, it },
    store: () => new EmbeddedReservations(entriesInMemory()),
    capabilities: { shared: false, outage: false },
  });

  const line = { scope: { kind: "key", id: "k" }, period: "2026-11", limit: 100n };
  const other = { ...line, period: "2026-12" };
  const entry = (id: string, billed: bigint, status: Entry["status"] = "final"): Entry => ({
    id,
    callId: id,
    attempt: 1,
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: [line.scope],
    lines: [{ scope: line.scope, period: line.period }],
    usage: { inputTokens: 1, outputTokens: 1 },
    cost: billed,
    billed,
    status,
    startedAt: 1_795_000_000_000,
    endedAt: 1_795_000_000_000,
  });

  it("begin with what was spent before, on each line", async () => {
    const entries = entriesInMemory();
    await entries.append([entry("a", 60n), entry("b", 30n, "estimated"), entry("c", 0n, "void")]);
    const counters = new EmbeddedReservations(entries);
    expect(await counters.balance(line)).toEqual({ posted: 90n, pending: 0n });
    expect(await counters.balance(other)).toEqual({ posted: 0n, pending: 0n });
    const fresh = new EmbeddedReservations(entries);
    expect(await fresh.reserve({ id: "d", estimate: 11n, lines: [other, line] }, 1_000)).toEqual({
      held: false,
      line,
      spent: 90n,
      pending: 0n,
    });
    expect(await fresh.reserve({ id: "e", estimate: 10n, lines: [other, line] }, 1_000)).toEqual({ held: true });
  });

  it("post a replayed settlement once, whether or not its entry was written", async () => {
    const entries = entriesInMemory();
    await entries.append([entry("written", 40n), entry("guessed", 30n, "estimated")]);
    const counters = new EmbeddedReservations(entries);
    await counters.settle([
      { id: "written", actual: 40n, status: "final", lines: [line] },
      { id: "guessed", actual: 10n, status: "final", lines: [line] },
      { id: "lost", actual: 5n, status: "final", lines: [line] },
      { id: "lost", actual: 5n, status: "final", lines: [line] },
    ]);
    expect(await counters.balance(line)).toEqual({ posted: 55n, pending: 0n });
    await counters.settle([{ id: "written", actual: 99n, status: "final", lines: [line] }]);
    expect(await counters.balance(line)).toEqual({ posted: 55n, pending: 0n });
  });

  it("do not count an entry twice that is written while they run", async () => {
    const entries = entriesInMemory();
    const counters = new EmbeddedReservations(entries);
    await counters.reserve({ id: "a", estimate: 50n, lines: [line] }, 1_000);
    await counters.settle([{ id: "a", actual: 20n, status: "final", lines: [line] }]);
    await entries.append([entry("a", 20n)]);
    await counters.settle([{ id: "a", actual: 20n, status: "final", lines: [line] }]);
    expect(await counters.balance(line)).toEqual({ posted: 20n, pending: 0n });
    expect(await new EmbeddedReservations(entries).balance(line)).toEqual({ posted: 20n, pending: 0n });
  });
});
