import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { BudgetLine, Gateway, Ledger } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { testLedger } from "@signalbox/kernel/testkit";
import type { SqliteLedgerPlugin } from "../src/index.ts";
import { sqliteLedger } from "../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kept-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

interface Opened {
  readonly file: string;
  readonly gateway: Gateway;
  readonly plugin: SqliteLedgerPlugin;
}

async function open(file: string): Promise<Opened> {
  const plugin = sqliteLedger({ file });
  return { file, plugin, gateway: await createGateway({ plugins: [plugin] }) };
}

const opened = new Map<Ledger, Opened>();

/** The ledger alone: closing it closes its gateway. */
async function ledgerOf(file: string): Promise<Ledger> {
  const one = await open(file);
  const { ledger } = one.plugin;
  const alone: Ledger = {
    reserve: (request) => ledger.reserve(request),
    dispatched: (id) => ledger.dispatched?.(id),
    settle: (settlement) => ledger.settle(settlement),
    void: (id) => ledger.void(id),
    append: (entry) => ledger.append(entry),
    spent: (query) => ledger.spent(query),
    close: () => one.gateway.close(),
  };
  opened.set(alone, one);
  return alone;
}

describe("in a file", () => {
  testLedger({
    runner: { describe, it },
    ledger: () => ledgerOf(join(folder, `${files++}.db`)),
    reopen: async (before) => {
      await before.close?.();
      return await ledgerOf((opened.get(before) as Opened).file);
    },
    capabilities: { outage: false },
  });
});

describe("a process that is killed", () => {
  it("leaves nothing unbooked: 0 for what was not sent, the estimate for what nobody knows, the cost of what ended", async () => {
    const file = join(folder, "killed.db");
    const child = spawn(
      process.execPath,
      [
        "--conditions=@signalbox/source",
        "--disable-warning=ExperimentalWarning",
        fileURLToPath(new URL("programs/killed-ledger.ts", import.meta.url)),
        file,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let complaints = "";
    child.stderr.on("data", (bytes: Buffer) => (complaints += bytes.toString()));
    await once(child, "exit");
    expect([child.signalCode, complaints]).toEqual(["SIGKILL", ""]);

    const { gateway, plugin } = await open(file);
    const scope = { kind: "key", id: "k" };
    // 200 ended at 3, 50 were sent and cost up to 10 each, 25 were never sent
    expect(await plugin.ledger.spent({ scope })).toEqual({ billed: 1_100n, pending: 0n, entries: 250 });
    const line: BudgetLine = { scope, period: "all", limit: 1_100n };
    expect(await plugin.ledger.reserve({ id: "later/1", estimate: 1n, lines: [line] })).toEqual({
      held: false,
      line,
      spent: 1_100n,
      pending: 0n,
    });
    await gateway.close();
  });
});
