import type { LimitStore } from "../limit-store.ts";
import type { AddLimitCase, LimitCapabilities, LimitCase } from "./limit-case.ts";
import { LEASE_MS } from "./limit-case.ts";
import { addCorrectionCases } from "./limit-corrections.ts";
import { addParallelCases } from "./limit-parallel.ts";
import { addRateCases } from "./limit-rates.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";

/** What the processes of one gateway count in. */
export interface LimitStores {
  /** The store as one more process sees it. */
  open(): LimitStore | Promise<LimitStore>;
  close?(): void | Promise<void>;
}

/** What `testLimitStore` needs. */
export interface LimitStoreKit {
  readonly runner: Runner;
  /** An empty one; made anew for every case. */
  readonly store: () => LimitStores | Promise<LimitStores>;
  /** Lets the store's clock go on by so much. Without it the cases wait for real, for shorter times. */
  readonly advance?: (milliseconds: number) => void | Promise<void>;
  readonly capabilities?: LimitCapabilities;
}

/**
 * The conformance suite of limit stores: rates by GCRA with exact waits, all or nothing, ids, corrections, leased
 * places, and none too many among a thousand at once.
 */
export function testLimitStore(kit: LimitStoreKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  const add: AddLimitCase = (name, body, needs) => cases.add(name, () => withStore(kit, body), needs);
  cases.group("limit store conformance", () => {
    addRateCases(add);
    addCorrectionCases(add);
    addParallelCases(add);
  });
}

async function withStore(kit: LimitStoreKit, body: (one: LimitCase) => Promise<void>): Promise<void> {
  const { advance } = kit;
  const stores = await kit.store();
  const opened: LimitStore[] = [];
  const another = async (): Promise<LimitStore> => {
    const store = await stores.open();
    opened.push(store);
    return store;
  };
  let calls = 0;
  try {
    const store = await another();
    await body({
      store,
      another,
      async take(...takes) {
        calls += 1;
        return await store.take(`call-${calls}`, takes, LEASE_MS);
      },
      pass: async (milliseconds) => void (await (advance ?? pause)(milliseconds)),
      waits: advance === undefined,
    });
  } finally {
    for (const store of opened) await store.close?.();
    await stores.close?.();
  }
}

/** Never less: timers may fire a little early. */
async function pause(milliseconds: number): Promise<void> {
  const until = performance.now() + milliseconds;
  for (let left = milliseconds; left > 0; left = until - performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(left)));
  }
}
