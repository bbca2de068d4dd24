import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Entry } from "@signalbox/kernel";
import type { LedgerEvent } from "@signalbox/kernel/ledger";
import { MemoryReservations, SpooledLedger } from "@signalbox/kernel/ledger";
import { Database } from "../src/database/database.ts";
import { SqliteEntries } from "../src/entries/sqlite-entries.ts";

const folder = mkdtempSync(join(tmpdir(), "refused-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function entry(id: string, change: Partial<Entry> = {}): Entry {
  return {
    id,
    callId: id,
    attempt: 1,
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: [{ kind: "team", id: "red" }],
    usage: { inputTokens: 10, outputTokens: 5 },
    cost: 7n,
    billed: 7n,
    status: "final",
    startedAt: 1,
    endedAt: 2,
    ...change,
  };
}

describe("an entry that the file will never take", () => {
  it.each([
    ["has more than fits an integer", { billed: 2n ** 64n }],
    ["lacks what every entry has", { model: null as unknown as string }],
    ["has text where a number belongs", { attempt: "first" as unknown as number }],
  ])("%s: it is put aside and told, and keeps no others waiting", async (name, wrong) => {
    const database = new Database({
      file: join(folder, `${name.length}.db`),
      synchronous: "normal",
      busyTimeoutMs: 200,
    });
    database.open();
    const entries = new SqliteEntries(database, 4);
    const directory = join(folder, `spool-${name.length}`);
    const ledger = new SpooledLedger({ entries, directory, flushMs: 1 });
    await ledger.start(new MemoryReservations());
    const events: LedgerEvent[] = [];
    const listener = (event: unknown): void => void events.push(event as LedgerEvent);
    subscribe("signalbox:ledger", listener);
    const all = Array.from({ length: 20 }, (_, at) => entry(`e${at}`, at === 11 ? wrong : {}));
    await Promise.all(all.map((each) => ledger.append(each)));
    unsubscribe("signalbox:ledger", listener);
    const file = join(directory, "refused-entries.jsonl");
    expect(events).toEqual([{ kind: "entryRefused", id: "e11", file, cause: expect.any(Error) }]);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ id: "e11" });
    expect(await entries.spent({ scope: { kind: "team", id: "red" } })).toMatchObject({ billed: 133n, entries: 19 });
    // it is no trouble of the file
    expect(database.health().ok).toBe(true);
    await ledger.close();
    await database.close();
  });
});
