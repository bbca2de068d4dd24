// Books attempts and kills itself before any of them can have been written.

import type { BudgetLine } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { sqliteLedger } from "../../src/index.ts";

const [file = ""] = process.argv.slice(2);
const { ledger, ...plugin } = sqliteLedger({ file });
await createGateway({ plugins: [{ ...plugin, ledger }] });

const lines: readonly BudgetLine[] = [{ scope: { kind: "key", id: "k" }, period: "all", limit: 1_000_000n }];
for (let attempt = 1; attempt <= 275; attempt++) {
  const id = `call/${attempt}`;
  await ledger.reserve({ id, estimate: 10n, lines });
  if (attempt > 250) continue;
  await ledger.dispatched?.(id);
  if (attempt > 200) continue;
  const startedAt = Date.now();
  // not awaited: nobody waits for it in a gateway either
  void ledger.settle({ id, actual: 3n, status: "final" });
  void ledger.append({
    id,
    callId: "call",
    attempt,
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: [{ kind: "key", id: "k" }],
    usage: { inputTokens: 1, outputTokens: 1 },
    cost: 3n,
    billed: 3n,
    status: "final",
    startedAt,
    endedAt: startedAt,
  });
}
process.kill(process.pid, "SIGKILL");
