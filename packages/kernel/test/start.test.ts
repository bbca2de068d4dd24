import { expect, it } from "vitest";
import type { Plugin } from "@signalbox/kernel";
import { createGateway, LEDGER, PRICING } from "@signalbox/kernel";
import { MemoryLedger } from "../src/testkit/memory-ledger.ts";

/** Writes down what becomes of it. */
function logging(name: string, log: string[], more: Partial<Plugin> = {}): Plugin {
  return {
    name,
    setup: () => void log.push(`${name} setup`),
    start: () => void log.push(`${name} start`),
    close: () => void log.push(`${name} close`),
    ...more,
  };
}

it("plugins start in list order, when the contracts of all of them are there", async () => {
  const log: string[] = [];
  const ledger = new MemoryLedger();
  const gateway = await createGateway({
    plugins: [
      logging("first", log, {
        start(container) {
          log.push(`first start: ${container.resolve(LEDGER) === ledger}, ${container.isRegistered(PRICING, true)}`);
        },
      }),
      logging("second", log, { ledger }),
    ],
  });
  await gateway.close();
  expect(log).toEqual([
    "first setup",
    "second setup",
    "first start: true, false",
    "second start",
    "second close",
    "first close",
  ]);
});

it("a plugin that cannot start stops the start, by name, and closes what has begun", async () => {
  const log: string[] = [];
  const closed: string[] = [];
  const starting = createGateway({
    plugins: [
      logging("first", log),
      logging("second", log, {
        start() {
          throw new Error("the database is away");
        },
      }),
      logging("third", log, {
        limitStore: {
          take: () => ({ allowed: true, states: [] }),
          release: () => undefined,
          renew: () => undefined,
          close: () => void closed.push("limit store"),
        },
      }),
    ],
  });
  await expect(starting).rejects.toMatchObject({
    code: "plugin_setup_failed",
    source: "second",
    message: 'plugin "second" could not start: the database is away',
  });
  expect(log).toEqual([
    "first setup",
    "second setup",
    "third setup",
    "first start",
    "third close",
    "second close",
    "first close",
  ]);
  expect(closed).toEqual(["limit store"]);
});

it("a plugin that cannot be set up stops the start, and what was set up before it is closed", async () => {
  const log: string[] = [];
  const stuck = {
    close() {
      throw new Error("will not close");
    },
  };
  const starting = createGateway({
    plugins: [
      logging("first", log, {
        ledger: Object.assign(new MemoryLedger(), { close: () => void log.push("ledger close") }),
      }),
      logging("second", log, stuck),
      logging("third", log, {
        setup() {
          throw new Error("the database is away");
        },
      }),
      logging("fourth", log),
    ],
  });
  await expect(starting).rejects.toMatchObject({
    code: "plugin_setup_failed",
    source: "third",
    message: 'plugin "third" could not be set up: the database is away',
    cause: { errors: [{ source: "third" }, { message: "will not close" }] },
  });
  expect(log).toEqual(["first setup", "second setup", "first close", "ledger close"]);
});

it("a gateway has one store of each kind", async () => {
  const ledger = new MemoryLedger();
  await expect(
    createGateway({
      plugins: [
        { name: "one", ledger },
        { name: "two", ledger },
      ],
    }),
  ).rejects.toMatchObject({ code: "contract_duplicate" });
});
