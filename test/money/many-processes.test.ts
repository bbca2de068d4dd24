import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openCharging } from "../budgets/charging-upstream.ts";
import { GatewayProgram } from "../chaos/gateway-program.ts";
import { crowd } from "../chaos/money/crowd.ts";
import { aDollar, ended, LARGE } from "../chaos/money/large-rounds.ts";
import { manyProcesses } from "../chaos/money/many-processes.ts";
import { oneProcess } from "../chaos/money/one-process.ts";
import { printReports, roundChecks } from "../chaos/money/report.ts";
import { kills } from "../chaos/money/rounds.ts";
import type { Check } from "../checks.ts";
import { ChildProgram } from "../child-program.ts";

const A_DOLLAR = 1_000_000_000;
const NEVER = new Promise<never>(() => undefined);

afterAll(() => ChildProgram.stopAll());

function short(checks: readonly Check[]): readonly string[] {
  return checks.flatMap(({ name, value, goal, pass }) => (pass ? [] : [`${name}: ${value}, not ${goal}`]));
}

describe("a dollar, and a thousand calls at once that could cost two", () => {
  it("is enough for three processes with Redis and PostgreSQL", { timeout: 180_000 }, async () => {
    const [report] = await manyProcesses([aDollar], 3);
    if (report === undefined) throw new Error("nothing was reported");
    printReports([report]);
    expect(short(roundChecks(report))).toEqual([]);
    expect(report.fares.refused).toBeGreaterThan(100);
    expect(report.fares.left).toBeGreaterThan(20);
    expect(Number(report.verdict.bill)).toBeLessThanOrEqual(A_DOLLAR);
  });

  it("is enough for one process with a file", { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "dollar-"));
    const upstream = await openCharging({ unseenWords: 2 });
    const gateway = await GatewayProgram.start(upstream.url, {
      program: "programs/money-gateway.ts",
      arguments: [join(folder, "ledger.db"), String(A_DOLLAR)],
    });
    try {
      const fares = await crowd({ port: () => gateway.port }, { ...LARGE, callers: [gateway.key] }, NEVER);
      expect(fares.served).toBeGreaterThan(100);
      expect(fares.refused).toBeGreaterThan(100);
      expect(fares.left).toBeGreaterThan(20);
      expect(fares.failed).toBe(0);
      expect(Number(upstream.bill)).toBeLessThanOrEqual(A_DOLLAR);
      expect(Number(upstream.bill)).toBeGreaterThan(A_DOLLAR / 10);
    } finally {
      await gateway.stop();
      await upstream.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

it("two processes that are told to end under 1,000 streams settle all of them, and leave nothing", {
  timeout: 120_000,
}, async () => {
  const [report] = await manyProcesses([ended], 2);
  if (report === undefined) throw new Error("nothing was reported");
  expect(short(roundChecks(report))).toEqual([]);
  expect(report.verdict.charged).toBe(1_000);
});

describe("processes that are killed under load", () => {
  it("two with Redis and PostgreSQL lose nothing", { timeout: 240_000 }, async () => {
    const reports = await manyProcesses([kills(10)], 2);
    printReports(reports);
    expect(short(reports.flatMap(roundChecks))).toEqual([]);
  });

  it("one with a file loses nothing", { timeout: 120_000 }, async () => {
    expect(short(await oneProcess(3))).toEqual([]);
  });
});
