import { describe, expect, it } from "vitest";
import type { CacheClaim, GatewayError } from "@signalbox/kernel";
import { memoryCache } from "@signalbox/kernel/testkit";
import { failsAfter, pause, untilAborted } from "../support/driven-gateway.ts";
import { textResult } from "../support/scripted-provider.ts";
import { ask, asking, cachingGateway, read, TEAM } from "./caching-gateway.ts";

describe("equal calls that miss at the same time", () => {
  it("ask upstream once", async () => {
    const { gateway, asked } = await cachingGateway({
      // biome-ignore lint/correctness/useYield: a reply without events
      script: async function* () {
        await pause(20);
        return textResult("one");
      },
    });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, at) => ask(gateway, { stream: at % 2 === 0 })));
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(["one"]));
    expect(asked).toHaveLength(1);
    const outcomes = answers.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "miss")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "shared")).toHaveLength(99);
  });

  it("of other tenants ask for themselves", async () => {
    const { gateway, asked } = await cachingGateway({
      // biome-ignore lint/correctness/useYield: a reply without events
      script: async function* ({ principal }) {
        await pause(10);
        return textResult(`for ${principal.teamId}`);
      },
    });
    const teams = Array.from({ length: 20 }, (_, at) => `team-${at % 4}`);
    const answers = await Promise.all(teams.map((teamId) => ask(gateway, {}, { principal: { ...TEAM, teamId } })));
    expect(answers.map(({ text }) => text)).toEqual(teams.map((team) => `for ${team}`));
    expect(asked).toHaveLength(4);
  });

  it("share a failure of the provider", async () => {
    const { gateway, asked } = await cachingGateway({
      script: failsAfter(10),
    });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => ask(gateway)));
    expect(outcomes.map((each) => each.status === "rejected" && each.reason.code)).toEqual(
      Array.from({ length: 10 }, () => "provider_error"),
    );
    expect(asked).toHaveLength(1);
  });

  it("go on without the one that leaves: another one asks", async () => {
    let calls = 0;
    const { gateway } = await cachingGateway({
      // biome-ignore lint/correctness/useYield: a reply without events
      script: async function* ({ signal }) {
        calls += 1;
        const own = calls;
        await Promise.race([pause(30), untilAborted(signal)]);
        return textResult(`call ${own}`);
      },
    });
    const leaver = asking(gateway);
    const left = read(leaver).catch((error: GatewayError) => error.code);
    const others = Array.from({ length: 5 }, () => ask(gateway));
    await pause(10);
    leaver.cancel();
    expect(await left).toBe("client_closed");
    expect((await Promise.all(others)).map(({ text }) => text)).toEqual(Array.from({ length: 5 }, () => "call 2"));
    expect(calls).toBe(2);
  });

  it("may leave while they wait, and harm nobody", async () => {
    const { gateway, asked } = await cachingGateway({
      // biome-ignore lint/correctness/useYield: a reply without events
      script: async function* () {
        await pause(20);
        return textResult("one");
      },
    });
    const first = ask(gateway);
    const waiting = asking(gateway);
    const left = read(waiting).catch((error: GatewayError) => error.code);
    await pause(5);
    waiting.cancel();
    expect(await left).toBe("client_closed");
    expect((await first).text).toBe("one");
    expect(asked).toHaveLength(1);
  });

  it("ask each for itself when the answer is not one to keep", async () => {
    let calls = 0;
    const { gateway } = await cachingGateway({
      script: async function* () {
        calls += 1;
        const text = `call ${calls}`;
        await pause(10);
        const { choices, ...rest } = textResult(text);
        return { ...rest, choices: choices.map((choice) => ({ ...choice, finishReason: "length" as const })) };
      },
    });
    const answers = await Promise.all([ask(gateway), ask(gateway), ask(gateway)]);
    expect(answers.map(({ text }) => text).toSorted()).toEqual(["call 1", "call 2", "call 3"]);
  });

  it("ask each for itself where the policy says so", async () => {
    const { gateway, asked } = await cachingGateway({ policy: { singleFlight: false } });
    await Promise.all([ask(gateway), ask(gateway)]);
    expect(asked).toHaveLength(2);
  });
});

describe("equal calls of several processes", () => {
  it("wait for the one that has claimed the answer, and find what it has kept", async () => {
    const shared = memoryCache();
    let holder: Promise<void> | undefined;
    let release: (() => void) | undefined;
    const claim = async (): Promise<CacheClaim> => {
      if (holder !== undefined) {
        const held = holder;
        return { mine: false, settled: async () => await held };
      }
      holder = new Promise((resolve) => {
        release = resolve;
      });
      return {
        mine: true,
        async release() {
          holder = undefined;
          release?.();
        },
      };
    };
    const cache = { ...shared, claim };
    // biome-ignore lint/correctness/useYield: a reply without events
    const script = async function* () {
      await pause(20);
      return textResult("one");
    };
    const gateways = await Promise.all([cachingGateway({ cache, script }), cachingGateway({ cache, script })]);
    const answers = await Promise.all(gateways.map(({ gateway }) => ask(gateway)));
    expect(answers.map(({ text }) => text)).toEqual(["one", "one"]);
    expect(gateways.map(({ asked }) => asked.length).toSorted()).toEqual([0, 1]);
  });

  it("ask when nobody can tell any more how the other one fares", async () => {
    const lost = async () => {
      throw new Error("the store is gone");
    };
    const cache = { ...memoryCache(), claim: async (): Promise<CacheClaim> => ({ mine: false, settled: lost }) };
    const { gateway } = await cachingGateway({ cache });
    expect((await ask(gateway)).text).toBe("answer 1");
  });

  it("ask when the other one has given up", async () => {
    const cache = {
      ...memoryCache(),
      claim: async (): Promise<CacheClaim> => ({ mine: false, settled: () => pause(5) }),
    };
    const { gateway, asked } = await cachingGateway({ cache });
    expect((await ask(gateway)).text).toBe("answer 1");
    expect(asked).toHaveLength(1);
  });
});
