import type { SharedState, Strategy } from "@signalbox/kernel";
import type { StrategyParts } from "./choice.ts";
import { choosing, randomLeast } from "./choice.ts";
import type { DeploymentRecord } from "./deployment-records.ts";
import { DeploymentRecords } from "./deployment-records.ts";
import { SharedCount } from "./shared-count.ts";

/** How long a process that has died counts as busy. */
const BUSY_TTL_MS = 60_000;

class BusyRecord implements DeploymentRecord {
  inFlight = 0;
  gone = false;
  readonly count: SharedCount;

  constructor(state: SharedState, id: string) {
    this.count = new SharedCount(state, `busy/${id}`, BUSY_TTL_MS);
  }
}

/** The deployment with the fewest attempts in flight, in all processes together; chance decides among equals. */
export function leastBusy({ models, state, random, now }: StrategyParts): Strategy {
  const records = new DeploymentRecords(models, (id) => new BusyRecord(state, id));
  return choosing<BusyRecord>({
    name: "least-busy",
    prepare: (candidates) => records.of(candidates),
    choose(_call, left) {
      const at = now();
      return randomLeast(left, ({ count }) => count.total(at), random);
    },
    begin(deployment) {
      records.begin(deployment)?.count.add(1, now());
    },
    report(deployment) {
      records.end(deployment)?.count.add(-1, now());
    },
  });
}
