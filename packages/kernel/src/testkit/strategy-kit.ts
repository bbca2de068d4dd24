import assert from "node:assert/strict";
import type { Call } from "../call.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import { GatewayError, isGatewayError } from "../errors.ts";
import { createModelTable } from "../gateway/model-table.ts";
import type { Principal } from "../principal.ts";
import type { Outcome, RoutingParts } from "../router.ts";
import type { Strategy } from "../strategy.ts";
import type { Runner } from "./runner.ts";
import { Cases, within } from "./runner.ts";
import { attempted, kitCall, kitParts, kitTable, liveHeap, STRANGE_OUTCOMES, STRANGER } from "./strategy-bench.ts";

/** What a strategy may be. Everything is on unless declared `false`; only that leaves a case out. */
export interface StrategyCapabilities {
  /** It yields each candidate at most once per call. `false`: it repeats candidates, and says so in its documentation. */
  readonly once?: boolean;
}

/** What `testStrategy` needs. */
export interface StrategyKit {
  readonly runner: Runner;
  /** Made anew for every case. */
  readonly strategy: (models: ModelTable, parts: RoutingParts) => Strategy | Promise<Strategy>;
  /** Added to the kit's deployments: weights, tags, limits, prices that the strategy needs. */
  readonly deployment?: (deployment: Deployment, index: number) => Deployment;
  readonly capabilities?: StrategyCapabilities;
}

/** A strategy that yields more than this for one call will never stop. */
const MANY = 1_000;
const ABORT_MS = 100;
/** A wait that is longer than this is a queue's: the kit then ends the call. */
const PATIENCE_MS = 50;
const CALLS = 10_000;
/** What may stay of a call, on average. The object of a call is some hundred bytes, an entry of a map about fifty. */
const MOST_BYTES_PER_CALL = 20;

const DONE: Outcome = { ok: true, firstEventMs: 1, durationMs: 2, usage: { inputTokens: 3, outputTokens: 2 } };
const MODELS = ["kit-one", "kit-three", "vendor/anything"];

interface StrategyCase {
  readonly strategy: Strategy;
  readonly models: ModelTable;
}

/** The conformance suite of strategies: only candidates, an end, a word about what is left out, no state without bounds. */
export function testStrategy(kit: StrategyKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  const add = (name: string, body: (one: StrategyCase) => Promise<void> | void, needs: readonly string[] = []): void =>
    cases.add(
      name,
      async () => {
        const models = kitTable(kit.deployment);
        await body({ strategy: await kit.strategy(models, kitParts()), models });
      },
      needs,
    );

  cases.group("strategy conformance", () => {
    add("has a name, and accepts the deployments", ({ strategy, models }) => {
      assert.ok(typeof strategy.name === "string" && strategy.name !== "", "it has no name");
      assert.equal(strategy.validate?.(models), undefined);
    });

    add("yields candidates, and nothing else", async ({ strategy, models }) => {
      for (let round = 0; round < 20; round++) {
        for (const model of MODELS) {
          const candidates = Object.freeze(models.deployments(model)) as readonly Deployment[];
          const { yielded } = await drained(strategy, kitCall(model), candidates);
          assert.ok(yielded.length > 0, `nothing to try for "${model}"`);
          assertAmong(yielded, candidates);
          assert.ok(yielded.length < MANY, `${yielded.length} deployments were yielded for one call`);
          for (const deployment of yielded.slice(0, 1)) attempted(strategy, deployment, kitCall(model), DONE);
        }
      }
    });

    add(
      "yields each candidate at most once",
      async ({ strategy, models }) => {
        for (let round = 0; round < 20; round++) {
          const { yielded } = await drained(strategy, kitCall("kit-three"), models.deployments("kit-three"));
          const ids = yielded.map(({ id }) => id);
          assert.deepEqual(ids, [...new Set(ids)], `yielded ${ids.join(", ")}`);
        }
      },
      ["once"],
    );

    add("says why it leaves a candidate out", async ({ strategy, models }) => {
      for (let round = 0; round < 20; round++) {
        for (const model of MODELS) {
          const { yielded, call, waited } = await drained(strategy, kitCall(model), models.deployments(model));
          if (waited) continue;
          for (const { id } of models.deployments(model)) {
            const known =
              yielded.some((each) => each.id === id) || call.trace.skipped?.some((skip) => skip.deployment === id);
            assert.ok(known, `"${id}" was left out without a word: use call.trace.skip`);
          }
        }
        const [deployment] = models.deployments("kit-three");
        attempted(strategy, deployment as Deployment, kitCall("kit-three"), STRANGE_OUTCOMES[2] as Outcome);
      }
    });

    add("orders what it is given: fewer, changed, of another model", async ({ strategy, models }) => {
      const all = models.deployments("kit-three");
      await drained(strategy, kitCall("kit-three"), all);
      const changed = createModelTable(
        models.all().map((each) => ({ ...each })),
        [],
      ).deployments("kit-three");
      for (const candidates of [all.slice(1), all.slice(0, 1), changed, [...all].reverse()]) {
        for (let round = 0; round < 20; round++) {
          const { yielded } = await drained(strategy, kitCall("kit-three"), candidates);
          assert.ok(yielded.length > 0, "nothing to try");
          assertAmong(yielded, candidates);
        }
      }
      // As a fallback: the call is for another model.
      const other = models.deployments("kit-other");
      assertAmong((await drained(strategy, kitCall("kit-three"), other)).yielded, other);
    });

    add("never throws when it is told how an attempt ended", async ({ strategy, models }) => {
      for (const deployment of [...models.all(), STRANGER]) {
        for (const outcome of STRANGE_OUTCOMES) {
          const call = kitCall(deployment.model);
          assert.equal(strategy.begin?.(deployment, call), undefined);
          assert.equal(strategy.answered?.(deployment, outcome.firstEventMs, call), undefined);
          assert.equal(strategy.report?.(deployment, outcome, call), undefined);
        }
      }
      // What does not add up any more is not told of a begin before.
      strategy.report?.(STRANGER, DONE, kitCall("gone"));
      await drained(strategy, kitCall("kit-three"), models.deployments("kit-three"));
    });

    add("serves many calls at once", async ({ strategy, models }) => {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const model = MODELS[index % MODELS.length] as string;
          const outcome = STRANGE_OUTCOMES[index % STRANGE_OUTCOMES.length];
          const { yielded } = await drained(strategy, kitCall(model), models.deployments(model), outcome);
          assertAmong(yielded, models.deployments(model));
        }),
      );
    });

    add("keeps no room for what was yielded and not tried", async ({ strategy, models }) => {
      const candidates = models.deployments("kit-three");
      for (let round = 0; round < 200; round++) {
        const [item] = pulled(strategy, kitCall("kit-three"), candidates, 1);
        assert.ok(item !== undefined && !("then" in item), `after ${round} calls that were left, nothing is free`);
      }
    });

    add("does not wait past the signal", async ({ strategy, models }) => {
      const candidates = models.deployments("kit-three");
      // Everything is busy, and stays so: a strategy that waits for room waits now.
      for (const deployment of candidates) {
        for (let count = 0; count < 10; count++) strategy.begin?.(deployment, kitCall("kit-three"));
      }
      const controller = new AbortController();
      const call = kitCall("kit-three", controller.signal);
      const ordering = Promise.allSettled(pulled(strategy, call, candidates));
      await new Promise((resolve) => setTimeout(resolve, 30));
      controller.abort(new GatewayError("client_closed", "the caller left"));
      await within(ABORT_MS, "a wait after the signal", ordering);
    });

    add("keeps nothing of calls that are over", ({ strategy, models }) => {
      let calls = 0;
      const grow = (): number => {
        const before = liveHeap();
        for (let count = 0; count < CALLS; count++) {
          calls += 1;
          passing(strategy, models, calls);
        }
        return liveHeap() - before;
      };
      // Tables fill up to their bounds first. Others use the heap too: the middle one of three measurements counts.
      grow();
      const growths = [grow(), grow(), grow()].sort((one, other) => one - other);
      const perCall = (growths[1] as number) / CALLS;
      assert.ok(perCall < MOST_BYTES_PER_CALL, `${Math.round(perCall)} bytes are kept of every call`);
    });
  });
}

/** One call of somebody else for something else, answered by the first candidate. */
function passing(strategy: Strategy, models: ModelTable, count: number): void {
  const model = count % 8 === 0 ? "kit-three" : `vendor/made-up-${count}`;
  const caller = `caller-${count}`;
  const principal: Principal = { id: caller, userId: caller, kind: "key", admin: false, models: ["*"] };
  const call = kitCall(model, undefined, `Question ${count}.`, principal);
  const [item] = pulled(strategy, call, models.deployments(model), 1);
  if (item !== undefined && !("then" in item)) attempted(strategy, item, call, DONE);
}

/** The items of one order; closed as a gateway does. Rejections are for whoever awaits them. */
function pulled(
  strategy: Strategy,
  call: Call,
  candidates: readonly Deployment[],
  most: number = MANY,
): readonly (Deployment | Promise<Deployment>)[] {
  const items: (Deployment | Promise<Deployment>)[] = [];
  for (const item of strategy.order(call, candidates)) {
    if ("then" in item) item.catch(() => undefined);
    items.push(item);
    if (items.length >= most) break;
  }
  return items;
}

/**
 * Pulls until the end as a gateway does whose every attempt ends with `outcome`; without one, nothing is tried. A
 * strategy may wait until a deployment has room; the kit then ends the call.
 */
async function drained(
  strategy: Strategy,
  { model }: Call,
  candidates: readonly Deployment[],
  outcome?: Outcome,
): Promise<{ readonly yielded: readonly Deployment[]; readonly call: Call; readonly waited: boolean }> {
  const controller = new AbortController();
  const call = kitCall(model, controller.signal);
  const yielded: Deployment[] = [];
  let waited = false;
  for (const item of strategy.order(call, candidates)) {
    const deployment = await orNothing(item, controller);
    if (deployment === undefined) {
      waited = true;
      if (controller.signal.aborted) break;
      continue;
    }
    yielded.push(deployment);
    if (yielded.length >= MANY) break;
    if (outcome !== undefined) attempted(strategy, deployment, call, outcome);
  }
  return { yielded, call, waited };
}

async function orNothing(
  item: Deployment | Promise<Deployment>,
  controller: AbortController,
): Promise<Deployment | undefined> {
  if (!("then" in item)) return item;
  const timer = setTimeout(
    () => controller.abort(new GatewayError("timeout", "the deadline was reached")),
    PATIENCE_MS,
  );
  try {
    return await item;
  } catch (thrown) {
    assert.ok(isGatewayError(thrown), `a wait ends with a GatewayError, not with ${String(thrown)}`);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function assertAmong(yielded: readonly Deployment[], candidates: readonly Deployment[]): void {
  for (const deployment of yielded) {
    assert.ok(candidates.includes(deployment), `"${deployment?.id}" was yielded, which is none of the candidates`);
  }
}
