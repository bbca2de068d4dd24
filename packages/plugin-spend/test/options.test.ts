import { describe, expect, it } from "vitest";
import { createGateway } from "@signalbox/kernel";
import { MemoryEntries } from "@signalbox/kernel/ledger";
import { spend } from "../src/index.ts";

describe("options", () => {
  it.each<[unknown, string]>([
    [{ timezone: "Mars/Olympus" }, "timezone"],
    [{ timezon: "UTC" }, "timezon"],
    [{ budgets: [{}] }, "budgets.0.scope"],
    [{ now: 1 }, "now"],
  ])("%j is refused, naming %s", (options, param) => {
    expect(() => spend(options as never)).toThrow(expect.objectContaining({ code: "option_invalid", param }));
  });

  it("need an entry store", async () => {
    const failing = createGateway({ plugins: [spend()], deployments: [] });
    await expect(failing).rejects.toMatchObject({ code: "plugin_requirement_missing" });
    const gateway = await createGateway({
      plugins: [{ name: "store", entryStore: new MemoryEntries() }, spend({ timezone: "Africa/Johannesburg" })],
      deployments: [],
    });
    expect(gateway.routes.map(({ path }) => path)).toContain("/global/spend/report");
    await gateway.close();
  });
});
