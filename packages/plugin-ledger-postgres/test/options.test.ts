import { describe, expect, it } from "vitest";
import { isGatewayError } from "@signalbox/kernel";
import type { PostgresLedgerOptions } from "../src/index.ts";
import { postgresLedger } from "../src/index.ts";

const URL = "postgres://u:hunter2@127.0.0.1:1/d";

function errorOf(options: unknown): { code: string; message: string; param: string | undefined } {
  try {
    postgresLedger(options as PostgresLedgerOptions);
  } catch (thrown) {
    if (isGatewayError(thrown)) return { code: thrown.code, message: thrown.message, param: thrown.param };
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

describe("options", () => {
  it.each<[object, string]>([
    [{}, "url"],
    [{ url: "" }, "url"],
    [{ url: "hunter2" }, "url"],
    [{ url: "mysql://u:hunter2@h/d" }, "url"],
    [{ url: URL, pool: 0 }, "pool"],
    [{ url: URL, pool: 1.5 }, "pool"],
    [{ url: URL, statementTimeoutMs: 0 }, "statementTimeoutMs"],
    [{ url: URL, leaseMs: 999 }, "leaseMs"],
    [{ url: URL, connectTimeoutMs: "1" }, "connectTimeoutMs"],
    [{ url: URL, schema: 'x"; DROP' }, "schema"],
    [{ url: URL, onUnreachable: "ignore" }, "onUnreachable"],
    [{ url: URL, retentionMonths: 0 }, "retentionMonths"],
    [{ url: URL, reservations: "yes" }, "reservations"],
  ])("refuses %j, and shows no password", (options, param) => {
    const error = errorOf(options);
    expect([error.code, error.param]).toEqual(["option_invalid", param]);
    expect(error.message).not.toContain("hunter2");
  });

  it("suggests what was meant", () => {
    expect(errorOf({ url: URL, shema: "x" }).message).toContain('Did you mean "schema"');
  });
});

describe("a database that is not there", () => {
  it("fails the start and readiness, without the password", async () => {
    const plugin = postgresLedger({ url: URL });
    const failure = await Promise.resolve(plugin.setup?.(undefined as never)).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: "ledger_unavailable", source: "ledger-postgres" });
    const health = await plugin.check?.();
    expect(health).toMatchObject({ ok: false });
    expect(`${failure} ${JSON.stringify(failure)} ${JSON.stringify(health)}`).not.toContain("hunter2");
    await plugin.close?.();
  });

  it("is left alone after five failures in a row, then asked once", async () => {
    const plugin = postgresLedger({ url: URL });
    for (let time = 0; time < 5; time++) {
      await expect(plugin.entryStore.get("x/1")).rejects.toThrow("cannot be reached");
    }
    await expect(plugin.entryStore.get("x/1")).rejects.toThrow("left alone");
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const answers = await Promise.allSettled([plugin.entryStore.get("x/1"), plugin.entryStore.get("x/1")]);
    const messages = answers.map((answer) => (answer.status === "rejected" ? String(answer.reason) : "answered"));
    expect(messages.filter((message) => message.includes("left alone"))).toHaveLength(1);
    expect(messages.filter((message) => message.includes("cannot be reached"))).toHaveLength(1);
    await plugin.close?.();
  });
});
