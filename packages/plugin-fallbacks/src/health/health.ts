import type { ModelTable, RouterParts } from "@signalbox/kernel";
import type { CooldownOptions } from "./cooldown-options.ts";
import type { HealthBoard } from "./health-board.ts";
import { createHealthBoard } from "./health-board.ts";
import type { HealthProbes } from "./health-probes.ts";
import { createHealthProbes } from "./health-probes.ts";
import type { ProbeOptions } from "./probe-options.ts";

/** What a gateway knows about its deployments' health, and how it finds out more. */
export interface Health {
  readonly board: HealthBoard;
  readonly probes: HealthProbes;
  readonly models: ModelTable;
  close(): void;
}

/** Background probes run only where they are asked for. */
export function createHealth(
  options: { readonly cooldown?: CooldownOptions; readonly probes?: ProbeOptions },
  models: ModelTable,
  parts: Pick<RouterParts, "state" | "probe">,
): Health {
  const board = createHealthBoard(options.cooldown ?? {}, models, parts);
  const probes = createHealthProbes(options.probes ?? {}, board, models, parts);
  if (options.probes !== undefined) probes.start();
  return {
    board,
    probes,
    models,
    close() {
      probes.close();
      board.close();
    },
  };
}
