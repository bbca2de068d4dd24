import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Call, CallOptions, Principal } from "@signalbox/kernel";
import type { SplitArm, SplitOptions } from "../../src/selectors/split.ts";
import { split } from "../../src/selectors/split.ts";
import { saltOf, stableShare } from "../../src/selectors/stable-share.ts";
import { chatCall } from "../calls.ts";

const CANARY: readonly SplitArm[] = [
  { model: "stable", percent: 90 },
  { model: "canary", percent: 10 },
];

function keyCall(id: string, principal: Partial<Principal> = {}, options: CallOptions = {}): Call {
  return chatCall({ principal: { id, kind: "key", ...principal }, options });
}

function armOf(options: SplitOptions, call: Call): string {
  return split("chat", options).select(call) as string;
}

/** How many of so many keys go to each arm. */
function countArms(options: SplitOptions, keys: number): Readonly<Record<string, number>> {
  const selector = split("chat", options);
  const counts: Record<string, number> = {};
  const call = keyCall("");
  for (let key = 0; key < keys; key++) {
    const arm = selector.select({ ...call, principal: { ...call.principal, id: `key-${key}` } }) as string;
    counts[arm] = (counts[arm] ?? 0) + 1;
    call.trace.notes = undefined;
  }
  return counts;
}

describe("a place", () => {
  it.each([
    ["key-1", 0.61687504616566],
    ["key-5", 0.07210678025148809],
    ["key-8", 0.9134828287642449],
    ["018f2c3e-7b1a-7c3d-9e4f-0a1b2c3d4e5f", 0.8976278665941209],
    ["Zoë", 0.6097359149716794],
    ["鍵", 0.8252509857993573],
    ["", 0.583070524269715],
  ])("of %j is the same for ever", (subject, place) => {
    expect(stableShare(subject, saltOf("chat"))).toBe(place);
  });

  it("is another one with another salt", () => {
    expect(stableShare("key-1", saltOf("other"))).toBe(0.016927614575251937);
  });

  it("is the same in another process", () => {
    const file = fileURLToPath(new URL("../../src/selectors/stable-share.ts", import.meta.url));
    const program = `
      import { saltOf, stableShare } from ${JSON.stringify(file)};
      console.log(["key-1", "key-8", "Zoë"].map((key) => stableShare(key, saltOf("chat"))).join());
    `;
    const printed = execFileSync(process.execPath, ["--input-type=module-typescript", "--eval", program]).toString();
    expect(printed.trim()).toBe("0.61687504616566,0.9134828287642449,0.6097359149716794");
  });

  it("is evenly spread over 100 bins for 100,000 keys that look alike", () => {
    const bins = new Array<number>(100).fill(0);
    for (let key = 0; key < 100_000; key++) {
      const bin = Math.floor(stableShare(`sk-user-${key}`, saltOf("chat")) * 100);
      bins[bin] = (bins[bin] as number) + 1;
    }
    const chiSquare = bins.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
    // 99 degrees of freedom: 1 in 1,000 is above 148.2, 1 in 1,000 is below 61.1
    expect(chiSquare).toBeLessThan(148.2);
    expect(chiSquare).toBeGreaterThan(61.1);
  });

  it("under one salt says nothing about that under another", () => {
    const [one, other] = [saltOf("one"), saltOf("other")];
    const quarters = [0, 0, 0, 0];
    for (let key = 0; key < 40_000; key++) {
      const quarter = (stableShare(`key-${key}`, one) < 0.5 ? 0 : 2) + (stableShare(`key-${key}`, other) < 0.5 ? 0 : 1);
      quarters[quarter] = (quarters[quarter] as number) + 1;
    }
    // standard deviation 87
    for (const count of quarters) expect(Math.abs(count - 10_000)).toBeLessThan(350);
  });
});

describe("a split", () => {
  it.each([
    ["key-1", "stable"],
    ["key-5", "stable"],
    ["key-8", "canary"],
    ["user-4", "canary"],
    ["user-8", "canary"],
    ["user-13", "canary"],
  ])("sends %s to %s, always", (id, arm) => {
    expect(armOf({ arms: CANARY }, keyCall(id))).toBe(arm);
  });

  it("gives each arm its share of 50,000 keys", () => {
    const arms = [
      { model: "a", percent: 60 },
      { model: "b", percent: 29.5 },
      { model: "c", percent: 10.5 },
    ];
    const counts = countArms({ arms }, 50_000);
    // four standard deviations of a binomial distribution
    expect(Math.abs((counts.a ?? 0) - 30_000)).toBeLessThan(439);
    expect(Math.abs((counts.b ?? 0) - 14_750)).toBeLessThan(408);
    expect(Math.abs((counts.c ?? 0) - 5_250)).toBeLessThan(275);
  });

  it("moves no more subjects than it must when a canary grows", () => {
    const before = split("chat", { arms: CANARY });
    const after = split("chat", {
      arms: [
        { model: "stable", percent: 75 },
        { model: "canary", percent: 25 },
      ],
    });
    let toCanary = 0;
    for (let key = 0; key < 20_000; key++) {
      const [was, is] = [before, after].map((each) => each.select(keyCall(`key-${key}`)));
      if (was === is) continue;
      expect([was, is]).toEqual(["stable", "canary"]);
      toCanary += 1;
    }
    // 15 percent of 20,000; standard deviation 50
    expect(Math.abs(toCanary - 3_000)).toBeLessThan(200);
  });

  it("sends nobody to an arm of 0 percent, and everybody to one of 100", () => {
    const arms = [
      { model: "off", percent: 0 },
      { model: "on", percent: 100 },
    ];
    expect(countArms({ arms }, 10_000)).toEqual({ on: 10_000 });
    expect(split("chat", { arms }).targets).toEqual(["off", "on"]);
  });

  it("takes fractions that do not sum to exactly 100 in floating point", () => {
    const arms = [33.3, 33.3, 33.3, 0.1].map((percent, index) => ({ model: `m${index}`, percent }));
    expect(Object.values(countArms({ arms }, 10_000)).reduce((sum, count) => sum + count, 0)).toBe(10_000);
  });

  it("may have its own name among its arms", () => {
    const selector = split("chat", { arms: [{ model: "chat", percent: 100 }] });
    expect(selector.select(keyCall("key-1"))).toBe("chat");
  });

  it.each([
    ["user", { userId: "key-8" }, {}],
    ["team", { teamId: "key-8" }, {}],
    ["customer", {}, { endUserId: "key-8" }],
    ["session", {}, { sessionId: "key-8" }],
    ["tag", {}, { tags: ["key-8", "key-1"] }],
    ["tag", { tags: ["key-8"] }, {}],
    ["key", { id: "key-8" }, {}],
  ] as const)("goes by the %s", (by, principal, options) => {
    const call = keyCall("key-1", principal, options);
    expect(armOf({ arms: CANARY, by }, call)).toBe("canary");
    expect(call.trace.notes).toEqual([{ stage: "route", text: `split "chat": by ${by}, 10 % → "canary"` }]);
  });

  it("goes by the call where the subject is missing, and says so", () => {
    const call = { ...keyCall("key-1"), id: "key-8" };
    expect(armOf({ arms: CANARY, by: "session" }, call)).toBe("canary");
    expect(call.trace.notes?.[0]?.text).toBe('split "chat": no session, by call, 10 % → "canary"');
  });

  it.each(["anonymous", "application"] as const)("knows no key of %s callers, who all have one id", (kind) => {
    const call = { ...keyCall("key-1", { kind }), id: "key-8" };
    expect(armOf({ arms: CANARY }, call)).toBe("canary");
    expect(call.trace.notes?.[0]?.text).toBe('split "chat": no key, by call, 10 % → "canary"');
  });

  it("puts a subject at the same place as another split with the same salt", () => {
    const arms = [
      { model: "a", percent: 50 },
      { model: "b", percent: 50 },
    ];
    let same = 0;
    let sameWithoutSalt = 0;
    for (let key = 0; key < 1_000; key++) {
      const call = keyCall(`key-${key}`);
      const pick = (model: string, salt?: string): unknown =>
        split(model, { arms, ...(salt !== undefined && { salt }) }).select(call);
      if (pick("one", "summer") === pick("two", "summer")) same += 1;
      if (pick("one") === pick("two")) sameWithoutSalt += 1;
    }
    expect(same).toBe(1_000);
    expect(Math.abs(sameWithoutSalt - 500)).toBeLessThan(80);
  });
});

describe("options of a split", () => {
  const arm = { model: "a", percent: 100 };

  it.each([
    [{ arms: [] }, "splits.chat.arms", "is invalid"],
    [{ arms: [{ model: "a", percent: 60 }] }, "splits.chat.arms", "must sum to 100 percent, and sum to 60"],
    [
      {
        arms: [
          { model: "a", percent: 99 },
          { model: "b", percent: 1.5 },
        ],
      },
      "splits.chat.arms",
      "sum to 100.5",
    ],
    [{ arms: [{ model: "a", percent: -1 }, arm] }, "splits.chat.arms[0].percent", "is invalid"],
    [
      {
        arms: [
          { model: "a", percent: 50 },
          { model: "a", percent: 50 },
        ],
      },
      "splits.chat.arms[1].model",
      "a second time",
    ],
    [{ arms: [{ model: "", percent: 100 }] }, "splits.chat.arms[0].model", "is invalid"],
    [{ arms: [arm], by: "keys" }, "splits.chat.by", "is invalid"],
    [{ arms: [arm], slat: "x" }, "splits.chat.slat", 'Did you mean "salt"?'],
    [{ arms: [{ ...arm, percentage: 1 }] }, "splits.chat.arms[0].percentage", 'Did you mean "percent"?'],
    [{}, "splits.chat.arms", "is invalid"],
    [undefined, "splits.chat", "is invalid"],
  ])("%j are refused at %s", (options, param, message) => {
    expect(() => split("chat", options as SplitOptions)).toThrow(
      expect.objectContaining({ code: "option_invalid", param, source: "routing" }),
    );
    expect(() => split("chat", options as SplitOptions)).toThrow(message);
    expect(() => split("chat", options as SplitOptions)).toThrow('the split "chat"');
  });
});
