import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createGateway, Secret } from "@signalbox/kernel";
import { MemoryRecords } from "@signalbox/kernel/testkit";
import { importHashes, keys } from "@signalbox/plugin-keys";
import { MASTER, PEPPER } from "./support/records.ts";

const sha256 = (key: string): string => createHash("sha256").update(key).digest("hex");

describe("keys of another gateway", () => {
  it("go on working, with what they were allowed; their hashes do not", async () => {
    const store = new MemoryRecords();
    const rows = [
      { token: sha256("sk-old-one"), key_alias: "old", models: ["small"], max_budget: 2, budget_duration: "30d" },
      { token: sha256("sk-old-two"), models: [] },
      { token: sha256("sk-old-blocked"), blocked: true },
    ];
    expect(await importHashes(rows, { store, pepper: PEPPER })).toEqual({ imported: 3 });
    const gateway = await createGateway({
      plugins: [{ name: "store", recordStore: store }, keys({ masterKeys: [new Secret(MASTER)], pepper: PEPPER })],
    });
    const who = async (key: string) =>
      await gateway.authenticator.authenticate({ key, headers: {}, remoteAddress: undefined });
    expect(await who("sk-old-one")).toMatchObject({
      alias: "old",
      models: ["small"],
      budgets: [{ limit: 2_000_000_000n, duration: "30d" }],
    });
    expect((await who("sk-old-two")).models).toEqual(["*"]);
    for (const wrong of [sha256("sk-old-one"), `sk-${sha256("sk-old-one")}`, "sk-old-blocked"]) {
      await expect(who(wrong)).rejects.toMatchObject({ code: "invalid_api_key" });
    }
    await gateway.close();
  });

  it.each([
    ["sk-plain-text-key", {}, "invalid_request", "[1].token"],
    [sha256("sk-x"), { team_id: "gone" }, "not_found", "[1].team_id"],
    [sha256("sk-first"), {}, "conflict", undefined],
  ])("are taken over all or none: %s", async (token, more, code, param) => {
    const store = new MemoryRecords();
    const rows = [{ token: sha256("sk-first") }, { token, ...more }];
    const failed = await importHashes(rows, { store, pepper: PEPPER }).catch((thrown: unknown) => thrown);
    expect(failed).toMatchObject({ code, ...(param !== undefined && { param }) });
    expect(await importHashes([{ token: sha256("sk-first") }], { store, pepper: PEPPER })).toEqual({ imported: 1 });
  });
});
