import { expect, test } from "vitest";
import { tagFilter } from "../../src/filters/tag-filter.ts";
import { chatCall, deployment, ids } from "../calls.ts";

const free = deployment("free", { tags: ["free"] });
const paid = deployment("paid", { tags: ["paid", "eu"] });
const both = deployment("both", { tags: ["free", "paid"] });
const fallback = deployment("fallback", { tags: ["default"] });
const plain = deployment("plain");

test("tags have no say unless they are enabled", () => {
  const candidates = [free, paid];
  const call = chatCall({ options: { tags: ["paid"] } });
  expect(tagFilter({}).filter(call, candidates)).toBe(candidates);
  expect(tagFilter({ matchAny: false }).filter(call, candidates)).toBe(candidates);
  expect(call.trace.skipped).toBeUndefined();
});

test("one tag in common is enough, and untagged deployments match nothing", () => {
  const call = chatCall({ options: { tags: ["free", "unknown"] } });
  expect(ids(tagFilter({ enabled: true }).filter(call, [plain, free, paid, both, fallback]))).toEqual(["free", "both"]);
  const reason = `it has none of the call's tags: "free", "unknown"`;
  const code = "no_matching_deployment";
  expect(call.trace.skipped).toEqual([
    { deployment: "plain", reason, code },
    { deployment: "paid", reason, code },
    { deployment: "fallback", reason, code },
  ]);
});

test("with matchAny false a deployment must have all tags of the call", () => {
  const filter = tagFilter({ enabled: true, matchAny: false });
  const tags = ["free", "paid"];
  expect(ids(filter.filter(chatCall({ options: { tags } }), [free, paid, both]))).toEqual(["both"]);
  expect(ids(filter.filter(chatCall({ options: { tags: ["paid"] } }), [free, paid, both]))).toEqual(["paid", "both"]);
  const nobody = chatCall({ options: { tags: ["free", "paid", "eu"] } });
  expect(filter.filter(nobody, [free, paid, both])).toEqual([]);
  expect(nobody.trace.skipped?.map(({ reason }) => reason)).toEqual([
    `it has not all of the call's tags: "free", "paid", "eu"`,
    `it has not all of the call's tags: "free", "paid", "eu"`,
    `it has not all of the call's tags: "free", "paid", "eu"`,
  ]);
});

test("the caller's tags and the call's count together", () => {
  const filter = tagFilter({ enabled: true });
  const caller = chatCall({ principal: { tags: ["free"] } });
  expect(ids(filter.filter(caller, [free, paid]))).toEqual(["free"]);
  const mixed = chatCall({ principal: { tags: ["free"] }, options: { tags: ["eu"] } });
  expect(ids(filter.filter(mixed, [free, paid, plain]))).toEqual(["free", "paid"]);
});

test("a call without tags goes to the default deployments, or to all where there are none", () => {
  const filter = tagFilter({ enabled: true });
  const untagged = chatCall();
  expect(ids(filter.filter(untagged, [free, plain, fallback]))).toEqual(["fallback"]);
  expect(untagged.trace.skipped?.[0]).toEqual({
    deployment: "free",
    reason: `it is not tagged "default", and the call has no tags`,
    code: "no_matching_deployment",
  });
  const candidates = [free, plain];
  const second = chatCall();
  expect(filter.filter(second, candidates)).toBe(candidates);
  expect(second.trace.skipped).toBeUndefined();
});

test("a call whose tags match nothing goes to the default deployments, else nowhere", () => {
  const filter = tagFilter({ enabled: true });
  const tags = ["gold"];
  expect(ids(filter.filter(chatCall({ options: { tags } }), [free, fallback, plain]))).toEqual(["fallback"]);
  const call = chatCall({ options: { tags } });
  expect(filter.filter(call, [free, plain])).toEqual([]);
  expect(call.trace.skipped?.map(({ code }) => code)).toEqual(["no_matching_deployment", "no_matching_deployment"]);
  expect(ids(filter.filter(chatCall({ options: { tags: ["default"] } }), [free, fallback]))).toEqual(["fallback"]);
});

test("the same candidates and tags give the same array, everything matching the candidates' own", () => {
  const filter = tagFilter({ enabled: true });
  const candidates = [free, paid, both];
  const first = filter.filter(chatCall({ options: { tags: ["free"] } }), candidates);
  expect(filter.filter(chatCall({ options: { tags: ["free"] } }), candidates)).toBe(first);
  expect(filter.filter(chatCall({ options: { tags: ["paid"] } }), candidates)).not.toBe(first);
  const all = [free, both];
  expect(filter.filter(chatCall({ options: { tags: ["free"] } }), all)).toBe(all);
});

test("thousands of different tags stay right, and a reason names a few of them only", () => {
  const filter = tagFilter({ enabled: true });
  const candidates = [free, paid];
  for (let at = 0; at < 5_000; at++) {
    expect(filter.filter(chatCall({ options: { tags: [`tag-${at}`] } }), candidates)).toEqual([]);
  }
  expect(ids(filter.filter(chatCall({ options: { tags: ["paid"] } }), candidates))).toEqual(["paid"]);
  const call = chatCall({ options: { tags: ["a", "b", "c", "d", "e", "f", "g"] } });
  filter.filter(call, candidates);
  expect(call.trace.skipped?.[0]?.reason).toBe(`it has none of the call's tags: "a", "b", "c", "d", "e" and 2 more`);
});
