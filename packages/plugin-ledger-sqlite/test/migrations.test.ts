import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Database } from "../src/database/database.ts";
import { MIGRATIONS } from "../src/database/migrations.ts";
import { scopesText } from "../src/entries/entry-row.ts";
import { SqliteEntries } from "../src/entries/sqlite-entries.ts";

const folder = mkdtempSync(join(tmpdir(), "sqlite-migrations-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a file of the first version", () => {
  it("tells what its scopes have spent, whatever their ids look like", async () => {
    const file = join(folder, "first.db");
    const options = { file, synchronous: "normal", busyTimeoutMs: 1_000 } as const;
    const ids = ['say "it"', "\u0000\ud800 é \\u0041", "plain"];
    const first = new Database({ ...options, migrations: MIGRATIONS.slice(0, 1) });
    first.open();
    for (const [index, id] of ids.entries()) {
      const scopes = scopesText([
        { kind: "key", id },
        { kind: "key", id, model: "m" },
      ]);
      first.statement("INSERT INTO entry_groups VALUES (?, 'chat', 'm', 'd', 'p', ?)").run(index + 1, scopes);
      first.statement("INSERT INTO sums_by_quarter VALUES (96000, ?, ?, 1, 0, 0, 0, 0, 0)").run(index + 1, 10 ** index);
      first.statement("INSERT INTO sums_by_day VALUES (1000, ?, ?, 1, 0, 0, 0, 0, 0)").run(index + 1, 10 ** index);
    }
    await first.close();
    const now = new Database(options);
    now.open();
    const entries = new SqliteEntries(now, 4);
    for (const [index, id] of ids.entries()) {
      const expected = { billed: 10n ** BigInt(index), pending: 0n, entries: 1 };
      expect(await entries.spent({ scope: { kind: "key", id } })).toEqual(expected);
      expect(await entries.spent({ scope: { kind: "key", id, model: "m" } })).toEqual(expected);
    }
    expect(await entries.report({ groupBy: ["model"] })).toMatchObject([{ billed: 111n, requests: 3, cacheHits: 0 }]);
    const plan = now.statement("EXPLAIN QUERY PLAN SELECT group_id FROM group_scopes WHERE scope = ?").all("x");
    expect(plan).toMatchObject([{ detail: expect.stringMatching(/^SEARCH group_scopes USING PRIMARY KEY/) }]);
    await now.close();
  });
});
