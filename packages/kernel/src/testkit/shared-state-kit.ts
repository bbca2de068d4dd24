import assert from "node:assert/strict";
import type { SharedState } from "../state/shared-state.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";

/** What a shared state can do. Everything is on unless declared `false`; only that leaves a case out. */
export interface SharedStateCapabilities {
  /** Several processes share it. `false`: it is one process's memory. */
  readonly shared?: boolean;
}

/** What the processes of one gateway share. */
export interface StateStore {
  /** The state as one more process sees it. */
  open(): SharedState | Promise<SharedState>;
  close?(): void | Promise<void>;
}

/** What `testSharedState` needs. */
export interface SharedStateKit {
  readonly runner: Runner;
  /** An empty one; made anew for every case. */
  readonly store: () => StateStore | Promise<StateStore>;
  /** How long it may take until other processes see a write. Default 1,000. */
  readonly settleMs?: number;
  readonly capabilities?: SharedStateCapabilities;
}

const LONG_MS = 60_000;
const SHORT_MS = 60;
/** A timer that fires early, and a clock that is rounded. */
const SLACK_MS = 25;
const POLL_MS = 5;
const DEFAULT_SETTLE_MS = 1_000;

const VALUES: Readonly<Record<string, unknown>> = {
  text: "Zürich \u{1F600}",
  empty: "",
  zero: 0,
  no: false,
  list: [1, [2], "three"],
  object: { until: 1_700_000_000_000.5, "odd key\n": { deep: true } },
};

const NAMES = ["a b", "a/b/c", "é\u{1F600}", "*", "[x]?", "constructor", "__proto__", "x".repeat(500)];

interface StateCase {
  readonly state: SharedState;
  /** What another process sees. */
  readonly another: () => Promise<SharedState>;
  /** Waits until it holds, here or there. */
  readonly soon: (what: string, holds: () => boolean) => Promise<void>;
}

/** The conformance suite of shared states: own writes at once, others' soon, and nothing for longer than was said. */
export function testSharedState(kit: SharedStateKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  const add = (name: string, body: (one: StateCase) => Promise<void>, needs: readonly string[] = []): void =>
    cases.add(name, () => withStore(kit, body), needs);

  cases.group("shared state conformance", () => {
    add("answers what was written, at once", async ({ state }) => {
      assert.equal(state.get("kit/nothing"), undefined);
      for (const [name, value] of Object.entries(VALUES)) {
        assert.equal(state.set(`kit/${name}`, value, LONG_MS), undefined);
        assert.deepEqual(state.get(`kit/${name}`), value);
      }
      state.set("kit/text", "another", LONG_MS);
      assert.equal(state.get("kit/text"), "another");
    });

    add("takes any name, and keeps names apart", async ({ state }) => {
      for (const name of NAMES) assert.equal(state.get(name), undefined);
      for (const name of NAMES) state.set(`kit/${name}`, name, LONG_MS);
      for (const name of NAMES) assert.equal(state.get(`kit/${name}`), name);
      for (const name of NAMES) assert.equal(state.sum(name), 0);
    });

    add("forgets what is deleted", async ({ state }) => {
      state.delete("kit/nothing");
      state.set("kit/one", 1, LONG_MS);
      state.set("kit/two", 2, LONG_MS);
      state.delete("kit/one");
      assert.deepEqual([state.get("kit/one"), state.get("kit/two")], [undefined, 2]);
      state.set("kit/one", "again", LONG_MS);
      assert.equal(state.get("kit/one"), "again");
    });

    add("forgets a value when its time is over; another write gives it another time", async ({ state }) => {
      state.set("kit/short", 1, SHORT_MS);
      state.set("kit/longer", 1, SHORT_MS);
      state.set("kit/longer", 2, LONG_MS);
      state.set("kit/shorter", 1, LONG_MS);
      state.set("kit/shorter", 2, SHORT_MS);
      assert.deepEqual([state.get("kit/short"), state.get("kit/longer"), state.get("kit/shorter")], [1, 2, 2]);
      await pause(SHORT_MS + SLACK_MS);
      assert.deepEqual(
        [state.get("kit/short"), state.get("kit/longer"), state.get("kit/shorter")],
        [undefined, 2, undefined],
      );
    });

    add("adds up and takes away", async ({ state }) => {
      assert.equal(state.sum("kit/busy"), 0);
      state.add("kit/busy", 2, LONG_MS);
      state.add("kit/busy", 0.5, LONG_MS);
      state.add("kit/other", 40, LONG_MS);
      assert.equal(state.sum("kit/busy"), 2.5);
      state.add("kit/busy", -2.5, LONG_MS);
      assert.equal(state.sum("kit/busy"), 0);
      state.add("kit/busy", -1, LONG_MS);
      assert.deepEqual([state.sum("kit/busy"), state.sum("kit/other")], [-1, 40]);
    });

    add("forgets a part of a sum that nobody adds to", async ({ state }) => {
      const stepMs = SHORT_MS / 2;
      state.add("kit/left", 3, SHORT_MS);
      state.add("kit/fed", 1, SHORT_MS * 2);
      for (let step = 0; step < 4; step++) {
        await pause(stepMs);
        state.add("kit/fed", 1, SHORT_MS * 2);
      }
      assert.deepEqual([state.sum("kit/left"), state.sum("kit/fed")], [0, 5]);
      state.add("kit/left", 1, LONG_MS);
      assert.equal(state.sum("kit/left"), 1, "what was forgotten came back");
    });

    add("tells a watcher at once what is there, under its prefix alone", async ({ state }) => {
      state.set("kit/one", 1, LONG_MS);
      state.set("kit/two", { two: 2 }, LONG_MS);
      state.set("kit/over", 3, 1);
      state.set("kitten/one", 4, LONG_MS);
      await pause(SLACK_MS);
      const told: [string, unknown][] = [];
      const stop = state.watch("kit/", (key, value) => told.push([key, value]));
      assert.deepEqual(told.sort(), [
        ["kit/one", 1],
        ["kit/two", { two: 2 }],
      ]);
      // Of its own writes a process knows.
      state.set("kit/three", 3, LONG_MS);
      state.delete("kit/one");
      await pause(SLACK_MS);
      assert.equal(told.length, 2, "a watcher was told of a write of its own process");
      stop();
      stop();
    });

    add(
      "shows other processes what was written and deleted",
      async ({ state, another, soon }) => {
        const other = await another();
        for (const [name, value] of Object.entries(VALUES)) state.set(`kit/${name}`, value, LONG_MS);
        await soon("a write of another process", () => other.get("kit/object") !== undefined);
        for (const [name, value] of Object.entries(VALUES)) assert.deepEqual(other.get(`kit/${name}`), value);
        other.set("kit/zero", "later", LONG_MS);
        assert.equal(other.get("kit/zero"), "later");
        await soon("the later of two writes", () => state.get("kit/zero") === "later");
        other.delete("kit/text");
        await soon("the deletion by another process", () => state.get("kit/text") === undefined);
      },
      ["shared"],
    );

    add(
      "shows a process that comes later what is there",
      async ({ state, another, soon }) => {
        state.set("kit/early", "bird", LONG_MS);
        state.add("kit/busy", 3, LONG_MS);
        await pause(SLACK_MS);
        const other = await another();
        await soon("what was there before", () => other.get("kit/early") === "bird" && other.sum("kit/busy") === 3);
      },
      ["shared"],
    );

    add(
      "forgets in every process when the time is over",
      async ({ state, another, soon }) => {
        const other = await another();
        const ttlMs = settleMs(kit) + SHORT_MS;
        const writtenAt = performance.now();
        state.set("kit/short", 1, ttlMs);
        await soon("a write of another process", () => other.get("kit/short") === 1);
        await pause(writtenAt + ttlMs + SLACK_MS - performance.now());
        assert.equal(state.get("kit/short"), undefined);
        await soon("the end of its time", () => other.get("kit/short") === undefined);
      },
      ["shared"],
    );

    add(
      "sums up the parts of all processes",
      async ({ state, another, soon }) => {
        const other = await another();
        state.add("kit/busy", 2, LONG_MS);
        other.add("kit/busy", 3, LONG_MS);
        await soon("the sum of both", () => state.sum("kit/busy") === 5 && other.sum("kit/busy") === 5);
        other.add("kit/busy", -3, LONG_MS);
        await soon(
          "the other's part to be taken away",
          () => state.sum("kit/busy") === 2 && other.sum("kit/busy") === 2,
        );
        const ttlMs = settleMs(kit) + SHORT_MS;
        other.add("kit/lost", 7, ttlMs);
        await soon("the other's part", () => state.sum("kit/lost") === 7);
        await pause(ttlMs);
        await soon("the part of a process that adds no more to be forgotten", () => state.sum("kit/lost") === 0);
      },
      ["shared"],
    );

    add(
      "tells a watcher of other processes' writes",
      async ({ state, another, soon }) => {
        const other = await another();
        const told: [string, unknown][] = [];
        const stop = state.watch("kit/", (key, value) => told.push([key, value]));
        other.set("kitten/one", 1, LONG_MS);
        other.set("kit/one", { one: 1 }, LONG_MS);
        await soon("a write", () => told.length > 0);
        assert.deepEqual(told, [["kit/one", { one: 1 }]]);
        other.delete("kit/one");
        await soon("a deletion", () => told.length > 1);
        assert.deepEqual(told[1], ["kit/one", undefined]);
        stop();
        other.set("kit/two", 2, LONG_MS);
        await soon("a write that nobody watches", () => state.get("kit/two") === 2);
        assert.equal(told.length, 2, "a watcher was told after its end");
      },
      ["shared"],
    );
  });
}

async function withStore(kit: SharedStateKit, body: (one: StateCase) => Promise<void>): Promise<void> {
  const store = await kit.store();
  const opened: SharedState[] = [];
  const another = async (): Promise<SharedState> => {
    const state = await store.open();
    opened.push(state);
    return state;
  };
  const soon = async (what: string, holds: () => boolean): Promise<void> => {
    const until = performance.now() + settleMs(kit);
    while (!holds()) {
      if (performance.now() > until) assert.fail(`${what} did not show within ${settleMs(kit)} ms`);
      await pause(POLL_MS);
    }
  };
  try {
    await body({ state: await another(), another, soon });
  } finally {
    for (const state of opened) await state.close?.();
    await store.close?.();
  }
}

function settleMs(kit: SharedStateKit): number {
  return kit.settleMs ?? DEFAULT_SETTLE_MS;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
