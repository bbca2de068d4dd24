import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { BudgetRule } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { pricing } from "@signalbox/plugin-pricing";
import { WatchedLedger } from "../budgets/billed-gateway.ts";
import { FIXTURES, recordings } from "../replay/recordings.ts";
import { replayGateway } from "../replay/replay-gateway.ts";

/** The same for every model: what is bounded are tokens. Writing to a cache costs more than reading without one. */
const PRICES = {
  inputCostPerToken: 0.000003,
  cacheReadInputTokenCost: 0.0000003,
  cacheCreationInputTokenCost: 0.00000375,
  outputCostPerToken: 0.000015,
};
/** Where neither request nor model bounds the answer. */
const UNBOUNDED = 1_000_000_000n;

/** Hard, and wide: what nothing bounds is told from what is. */
const ALL: BudgetRule = { scope: { kind: "gateway", id: "gateway" }, limit: 1_000_000_000_000_000n };

const folder = FIXTURES !== undefined && existsSync(FIXTURES) ? FIXTURES : undefined;

describe.skipIf(folder === undefined)("recorded traffic", () => {
  it("never costs more than was set aside for it", { timeout: 120_000 }, async () => {
    const ledger = new WatchedLedger();
    const asked = recordings(folder ?? "").filter(
      ({ status, requestBody, endpoint }) => status === 200 && requestBody !== undefined && endpoint !== "models",
    );
    const gateway = await replayGateway(asked, {
      plugins: [{ name: "watched", ledger }, pricing(), budgets({ budgets: [ALL], unknownPrice: UNBOUNDED })],
      info: PRICES,
    });
    try {
      for (const recording of asked) {
        if (recording.endpoint === "embeddings") await gateway.embed(recording, "whole");
        else await gateway.chat(recording, recording.dialect, "whole");
      }
      await expect.poll(() => ledger.open.size).toBe(0);
    } finally {
      await gateway.close();
    }
    // what the vendor itself reports is at its own price, not at these
    const told = ledger.entries.filter(
      ({ status, billed, usage }) => status === "final" && billed > 0n && usage.reportedCost === undefined,
    );
    const bounded = told.filter(({ id }) => ledger.estimates.get(id) !== UNBOUNDED);
    const violations = told.flatMap(({ id, model, billed, usage }) => {
      const estimate = ledger.estimates.get(id) ?? 0n;
      const file = asked[Number(/^replay-(\d+)/.exec(model)?.[1])]?.file;
      return billed > estimate ? [`${file}: ${billed} > ${estimate} ${JSON.stringify(usage)}`] : [];
    });
    console.log(
      `  ${asked.length} recordings, ${told.length} with a cost, ${bounded.length} of them bounded, ${violations.length} above`,
    );
    expect(violations).toEqual([]);
    expect(bounded.length).toBeGreaterThan(asked.length / 4);
  });
});
