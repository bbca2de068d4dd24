import { describe, expect, it } from "vitest";
import type { Gateway } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { MemoryRecords } from "@signalbox/kernel/testkit";
import type { KeysOptions } from "@signalbox/plugin-keys";
import { importHashes, keys } from "@signalbox/plugin-keys";
import { MASTER, PEPPER } from "./support/records.ts";

const OTHER = new Secret("another-pepper-0123456789-0123456789");

function start(store: MemoryRecords, options: Partial<KeysOptions> = {}): Promise<Gateway> {
  const plugin = keys({ masterKeys: [new Secret(MASTER)], pepper: PEPPER, ...options });
  return createGateway({ plugins: [{ name: "store", recordStore: store }, plugin] });
}

describe("the pepper", () => {
  it("is the one that the store's keys were made with, or nothing starts", async () => {
    const store = new MemoryRecords();
    await (await start(store)).close();
    await expect(start(store, { pepper: OTHER })).rejects.toMatchObject({
      code: "option_invalid",
      param: "pepper",
      message:
        'keys: "pepper" is not the one that the keys of this store were made with: none of them would be known. ' +
        'Start with the former pepper; if it is lost, start once with "replacePepper", and make every key anew',
    });
    await expect(importHashes([], { store, pepper: OTHER })).rejects.toMatchObject({ code: "option_invalid" });
    await (await start(store)).close();
    await (await start(store, { pepper: OTHER, replacePepper: true })).close();
    await (await start(store, { pepper: OTHER })).close();
    await expect(start(store)).rejects.toMatchObject({ code: "option_invalid" });
  });

  it("is written down once, however many processes start first", async () => {
    const store = new MemoryRecords();
    const started = await Promise.allSettled([
      ...Array.from({ length: 8 }, () => start(store)),
      start(store, { pepper: OTHER }),
    ]);
    expect(started.map(({ status }) => status)).toEqual([...Array.from({ length: 8 }, () => "fulfilled"), "rejected"]);
    for (const each of started) if (each.status === "fulfilled") await each.value.close();
    const kept = await (await store.open({ name: "key_settings", indexes: [] })).list();
    expect(kept.total).toBe(1);
    expect(JSON.stringify(kept)).not.toContain(PEPPER.reveal());
  });
});
