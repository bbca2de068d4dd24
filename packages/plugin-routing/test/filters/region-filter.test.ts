import { expect, test } from "vitest";
import { regionFilter } from "../../src/filters/region-filter.ts";
import { chatCall, deployment, ids } from "../calls.ts";

const eu = deployment("eu", { region: "eu" });
const west = deployment("west", { region: "eu-west-1" });
const us = deployment("us", { region: "us" });
const nowhere = deployment("nowhere");

test("a caller without regions is served everywhere", () => {
  const candidates = [eu, us, nowhere];
  const call = chatCall();
  expect(regionFilter().filter(call, candidates)).toBe(candidates);
  expect(call.trace.skipped).toBeUndefined();
});

test("a caller with regions stays within them: a region is a whole word, an unknown place is outside", () => {
  const call = chatCall({ principal: { allowedRegions: ["eu"] } });
  expect(ids(regionFilter().filter(call, [us, eu, west, nowhere]))).toEqual(["eu"]);
  const code = "no_matching_deployment";
  expect(call.trace.skipped).toEqual([
    { deployment: "us", reason: `it is in region "us", the caller is served from eu only`, code },
    { deployment: "west", reason: `it is in region "eu-west-1", the caller is served from eu only`, code },
    { deployment: "nowhere", reason: "its region is not known, the caller is served from eu only", code },
  ]);
});

test("several regions; none at all; the same array again", () => {
  const filter = regionFilter();
  const candidates = [eu, west, us];
  const two = filter.filter(chatCall({ principal: { allowedRegions: ["eu", "us"] } }), candidates);
  expect(ids(two)).toEqual(["eu", "us"]);
  expect(filter.filter(chatCall({ principal: { allowedRegions: ["eu", "us"] } }), candidates)).toBe(two);
  const none = chatCall({ principal: { allowedRegions: [] } });
  expect(filter.filter(none, candidates)).toEqual([]);
  expect(none.trace.skipped?.[0]?.reason).toBe(`it is in region "eu", the caller is served from no region`);
  const inside = [eu];
  expect(filter.filter(chatCall({ principal: { allowedRegions: ["eu"] } }), inside)).toBe(inside);
});
