import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { Entry } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";
import { Database } from "../src/database/database.ts";
import { MIGRATIONS } from "../src/database/migrations.ts";
import { SqliteEntries } from "../src/entries/sqlite-entries.ts";
import { SqliteRecords } from "../src/records/sqlite-records.ts";
import { Retention } from "../src/retention.ts";
import { sqliteLedger } from "../src/sqlite-ledger.ts";

const folder = mkdtempSync(join(tmpdir(), "ledger-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newFile = (): string => join(folder, `${files++}.db`);
const NOON = Date.UTC(2026, 10, 20, 12);
const ids = new IdSource();

function databaseIn(file: string, more: { busyTimeoutMs?: number; migrations?: readonly string[] } = {}): Database {
  return new Database({ file, synchronous: "normal", busyTimeoutMs: 200, ...more });
}

function entry(change: Partial<Entry> = {}): Entry {
  const callId = ids.next(change.startedAt ?? NOON);
  return {
    id: `${callId}/1`,
    callId,
    attempt: 1,
    operation: "chat",
    model: "small",
    deployment: "small-1",
    provider: "local",
    scopes: [{ kind: "team", id: "red" }],
    usage: { inputTokens: 10, outputTokens: 5 },
    cost: 1_000_000n,
    billed: 1_500_000n,
    status: "final",
    startedAt: NOON,
    endedAt: NOON + 500,
    ...change,
  };
}

describe("a file", () => {
  it("is open in one gateway at a time", async () => {
    const file = newFile();
    const first = databaseIn(file);
    first.open();
    expect(() => databaseIn(file).open()).toThrow(/is open in another gateway: one process per file/);
    await first.close();
    const later = databaseIn(file);
    later.open();
    await later.close();
  });

  it("is free again when its process was killed, with all that was written", async () => {
    const file = newFile();
    const source = (path: string): string => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
    const program = `
      const { Database } = await import(${source("../src/database/database.ts")});
      const { SqliteEntries } = await import(${source("../src/entries/sqlite-entries.ts")});
      const database = new Database({ file: ${JSON.stringify(file)}, synchronous: "normal", busyTimeoutMs: 100 });
      database.open();
      const entries = new SqliteEntries(database, 4);
      const scope = { kind: "key", id: "k" };
      const one = (i) => ({ id: i + "/1", callId: "" + i, attempt: 1, operation: "chat", model: "m", deployment: "d",
        provider: "p", scopes: [scope], lines: [{ scope, period: "2026-11" }], usage: { inputTokens: 1, outputTokens: 1 },
        cost: 1n, billed: 1n, status: "final", startedAt: ${NOON}, endedAt: ${NOON} });
      for (let i = 0; ; i++) {
        await entries.append([one(i)]);
        if (i % 10 === 9) process.stdout.write((i + 1) + "\\n");
      }`;
    const child = spawn(process.execPath, ["--conditions=@signalbox/source", "--input-type=module", "-e", program]);
    let told = "";
    let complaints = "";
    child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
    for await (const chunk of child.stdout) {
      told += String(chunk);
      expect(() => databaseIn(file).open()).toThrow(/another gateway/);
      if (told.split("\n").length > 5) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    expect([child.signalCode, complaints]).toEqual(["SIGKILL", ""]);
    const promised = Number(told.trim().split("\n").at(-1));
    const database = databaseIn(file);
    database.open();
    const { entries, billed } = await new SqliteEntries(database, 4).spent({
      scope: { kind: "key", id: "k" },
      period: "2026-11",
    });
    expect(entries).toBeGreaterThanOrEqual(promised);
    expect(billed).toBe(BigInt(entries));
    expect(await new SqliteEntries(database, 4).spent({ from: 0, to: NOON + 1 })).toMatchObject({ entries });
    await database.close();
  });

  it("of a newer release is refused, and stays as it is", async () => {
    const file = newFile();
    const newer = databaseIn(file, { migrations: [...MIGRATIONS, "CREATE TABLE novelty (id TEXT)"] });
    newer.open();
    await newer.close();
    expect(() => databaseIn(file).open()).toThrow(/written by a newer release \(version 4, this one knows 3\)/);
    const again = databaseIn(file, { migrations: [...MIGRATIONS, "SELECT broken"] });
    again.open();
    await again.close();
  });

  it("of an older release is brought forward; a step that fails leaves no trace", async () => {
    const file = newFile();
    const older = databaseIn(file);
    older.open();
    await new SqliteEntries(older, 4).append([entry()]);
    await older.close();
    const step = "ALTER TABLE entries ADD COLUMN more TEXT DEFAULT 'x'; INSERT INTO nowhere VALUES (1)";
    expect(() => databaseIn(file, { migrations: [...MIGRATIONS, step] }).open()).toThrow(/nowhere/);
    const newer = databaseIn(file, {
      migrations: [...MIGRATIONS, "ALTER TABLE entries ADD COLUMN more TEXT DEFAULT 'x'"],
    });
    newer.open();
    expect({ ...newer.statement("SELECT more, billed FROM entries").get() }).toEqual({ more: "x", billed: 1_500_000 });
    await newer.close();
  });

  it("of something else is refused", () => {
    const text = newFile();
    writeFileSync(text, "no database at all, and longer than a header of SQLite would be: ".repeat(20));
    expect(() => databaseIn(text).open()).toThrow(/the file is no SQLite database/);
    expect(readFileSync(text, "utf8")).toMatch(/^no database at all/);
    const foreign = newFile();
    const other = new DatabaseSync(foreign);
    other.exec("CREATE TABLE customers (id TEXT)");
    other.close();
    expect(() => databaseIn(foreign).open()).toThrow(/holds the tables of something else/);
    expect(() => databaseIn(join(folder, "missing", "x.db")).open()).toThrow(/check that its folder exists/);
  });

  it("that is damaged is told of, by the error and by the health", async () => {
    const file = newFile();
    const database = databaseIn(file);
    database.open();
    await new SqliteEntries(database, 4).append(Array.from({ length: 500 }, () => entry()));
    await database.close();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 4096 * 2);
    writeFileSync(file, bytes);
    const damaged = databaseIn(file);
    const use = async (): Promise<unknown> => {
      damaged.open();
      return await new SqliteEntries(damaged, 4).append([entry()]);
    };
    await expect(use()).rejects.toMatchObject({
      code: "ledger_unavailable",
      message: expect.stringMatching(/the file is damaged: restore it from a backup/),
    });
    expect(damaged.health().ok).toBe(false);
    await damaged.close();
  });

  it("on a full disk takes nothing, says so, and goes on when there is space", async () => {
    const database = databaseIn(newFile());
    database.open();
    const entries = new SqliteEntries(database, 4);
    await entries.append([entry()]);
    const pages = database.statement("PRAGMA page_count").get() as { page_count: number };
    database.statement(`PRAGMA max_page_count = ${pages.page_count}`).get();
    const batch = Array.from({ length: 200 }, () => entry({ scopes: [{ kind: "team", id: "blue" }] }));
    await expect(entries.append(batch)).rejects.toMatchObject({
      code: "ledger_unavailable",
      message: expect.stringMatching(/the disk is full: free some space/),
    });
    expect(database.health()).toEqual({ ok: false, detail: expect.stringMatching(/the disk is full/) });
    const before = (await entries.list({ limit: 1_000 })).length;
    expect(before).toBeLessThan(201);
    expect((await entries.spent({})).entries).toBe(before);
    database.statement("PRAGMA max_page_count = 1000000").get();
    await entries.append(batch);
    expect(database.health().ok).toBe(true);
    expect(await entries.spent({ scope: { kind: "team", id: "blue" } })).toEqual({
      billed: 300_000_000n,
      pending: 0n,
      entries: 200,
    });
    const teams = await entries.report({ groupBy: ["team"] });
    expect(teams.map(({ requests }) => requests).toSorted()).toEqual([1, 200]);
    await database.close();
  });

  it("waits for another program that writes, without keeping the event loop", async () => {
    const file = newFile();
    const database = databaseIn(file, { busyTimeoutMs: 2_000 });
    database.open();
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    const entries = new SqliteEntries(database, 4);
    let done = false;
    const write = entries.append([entry()]).then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(done).toBe(false);
    other.exec("COMMIT");
    await write;
    const impatient = new SqliteRecords(database);
    const records = await impatient.open({ name: "keys", indexes: [] });
    other.exec("BEGIN IMMEDIATE");
    await expect(databaseBusy(entries)).rejects.toMatchObject({
      message: expect.stringMatching(/has locked the file/),
    });
    other.exec("COMMIT");
    await records.insert({ id: "a" });
    other.close();
    await database.close();

    function databaseBusy(store: SqliteEntries): Promise<void> {
      return store.append([entry()]);
    }
  });
});

describe("a long batch", () => {
  it("lets others through, and takes its turn with transactions of records", async () => {
    const database = databaseIn(newFile());
    database.open();
    const entries = new SqliteEntries(database, 1);
    const records = new SqliteRecords(database);
    const keys = await records.open({ name: "keys", indexes: [] });
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const transaction = records.transaction(async () => {
      await keys.insert({ id: "a" });
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error("changed my mind");
    });
    const batch = entries.append(Array.from({ length: 5_000 }, () => entry()));
    await expect(transaction).rejects.toThrow("changed my mind");
    const from = turns;
    await batch;
    clearInterval(timer);
    expect(turns - from).toBeGreaterThan(10);
    expect((await entries.spent({})).entries).toBe(5_000);
    expect(await keys.get("a")).toBeUndefined();
    await database.close();
  });
});

describe("the view spend_logs", () => {
  it("answers any SQL client while the gateway runs", async () => {
    const file = newFile();
    const database = databaseIn(file);
    database.open();
    await new SqliteEntries(database, 4).append([
      entry({
        scopes: [
          { kind: "team", id: "red" },
          { kind: "key", id: "k-1" },
          { kind: "customer", id: "c" },
          { kind: "session", id: "s" },
        ],
        tags: ["a"],
        cacheHit: true,
        metadata: { ticket: "T-1" },
      }),
      entry({ billed: 500_000n, errorCode: "provider_error" }),
      entry({ scopes: [{ kind: "team", id: "blue" }], billed: 2_250_000_000n }),
    ]);
    const client = new DatabaseSync(file, { readOnly: true });
    const rows = client.prepare("SELECT team, SUM(cost_usd) AS usd FROM spend_logs GROUP BY team ORDER BY team").all();
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { team: "blue", usd: 2.25 },
      { team: "red", usd: 0.002 },
    ]);
    const [row] = client.prepare("SELECT * FROM spend_logs WHERE api_key = 'k-1'").all();
    expect({ ...row, request_id: "", call_id: "" }).toEqual({
      request_id: "",
      call_id: "",
      attempt: 1,
      call_type: "chat",
      api_key: "k-1",
      spend: 0.0015,
      cost_usd: 0.0015,
      provider_cost_usd: 0.001,
      cost_nano: 1_500_000,
      total_tokens: 15,
      prompt_tokens: 10,
      completion_tokens: 5,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
      reasoning_tokens: 0,
      startTime: "2026-11-20T12:00:00.000Z",
      endTime: "2026-11-20T12:00:00.500Z",
      completionStartTime: null,
      model: "small",
      model_group: "small",
      model_id: "small-1",
      custom_llm_provider: "local",
      provider: "local",
      user: null,
      end_user: "c",
      team: "red",
      team_id: "red",
      organization: null,
      organization_id: null,
      session_id: "s",
      request_tags: '["a"]',
      cache_hit: 1,
      cost_status: "final",
      status: "success",
      error_code: null,
      finish_reason: null,
      price_version: null,
      cost_lines: null,
      scopes: '[["team","red"],["key","k-1"],["customer","c"],["session","s"]]',
      metadata: '{"ticket":"T-1"}',
    });
    client.close();
    await database.close();
  });
});

describe("retention", () => {
  it("deletes what is old, in slices; sums stay, so that budgets do", async () => {
    const database = databaseIn(":memory:");
    database.open();
    const entries = new SqliteEntries(database, 4);
    const scope = { kind: "session", id: "s" };
    const day = 86_400_000;
    const line = { scope: { kind: "team", id: "red" }, period: "all" };
    const lines = [line];
    await entries.append(
      Array.from({ length: 450 }, () => entry({ startedAt: NOON - 8 * day, scopes: [scope], lines })),
    );
    await entries.append([entry({ startedAt: NOON - 6 * day, scopes: [scope], lines })]);
    expect(await new Retention(entries, 7, () => {}).deleteOld(NOON)).toBe(450);
    expect(await entries.list({ limit: 1_000 })).toHaveLength(1);
    expect((await entries.spent({ scope })).entries).toBe(1);
    expect((await entries.spent(line)).entries).toBe(451);
    expect(await entries.report({ groupBy: ["model"] })).toMatchObject([{ requests: 451 }]);
    await database.close();
  });
});

describe("options", () => {
  it("are checked", () => {
    const wrong = (options: unknown) => () => sqliteLedger(options as never);
    expect(wrong({})).toThrow(/ledger-sqlite: "file"/);
    expect(wrong({ file: "" })).toThrow(/ledger-sqlite: "file"/);
    expect(wrong({ file: "x", retentionDay: 1 })).toThrow(/no option "retentionDay"\. Did you mean "?retentionDays/i);
    expect(wrong({ file: "x", retentionDays: 0 })).toThrow(/"retentionDays"/);
    expect(wrong({ file: "x", synchronous: "yes" })).toThrow(/"synchronous"/);
  });

  it("synchronous is what SQLite is told", async () => {
    const database = new Database({ file: newFile(), synchronous: "full", busyTimeoutMs: 1 });
    database.open();
    expect({ ...database.statement("PRAGMA synchronous").get() }).toEqual({ synchronous: 2 });
    expect({ ...database.statement("PRAGMA journal_mode").get() }).toEqual({ journal_mode: "wal" });
    expect(statSync(database.file).size).toBeGreaterThan(0);
    await database.close();
  });
});
