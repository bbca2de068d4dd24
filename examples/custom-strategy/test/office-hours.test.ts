import { describe, expect, it } from "vitest";
import type { Deployment, RouterParts } from "@signalbox/kernel";
import { listedRouter } from "@signalbox/kernel";
import { testCall, testRouter, testStrategy } from "@signalbox/kernel/testkit";
import { routing } from "@signalbox/plugin-routing";
import { files, read } from "../../../test/repository/workspace.ts";
import { officeHours } from "../src/office-hours.ts";

const at = (hour: number) => () => new Date(Date.UTC(2026, 2, 2, hour));
const runner = { describe, it };
const regions = ["eu", "us"];
const deployment = (one: Deployment, index: number): Deployment => ({ ...one, region: regions[index % 2] as string });

describe("by day", () => testStrategy({ runner, deployment, strategy: () => officeHours(at(10)) }));
describe("by night", () => testStrategy({ runner, deployment, strategy: () => officeHours(at(23)) }));

describe("within routing", () => {
  const composed = (models: Parameters<typeof listedRouter>[0], parts: Omit<RouterParts, "strategy" | "probe">) => {
    const { strategy } = routing({ strategy: officeHours(at(10)) });
    if (typeof strategy !== "function") throw new Error("routing makes its strategy when it knows the models");
    return strategy(models, parts);
  };
  testStrategy({ runner, deployment, strategy: composed });
  testRouter({
    runner,
    deployment,
    router: (models, parts) => listedRouter(models, { strategy: composed(models, parts) }),
  });
});

it.each([
  [6, "us"],
  [7, "eu"],
  [18, "eu"],
  [19, "us"],
])("at %i h UTC begins with %s", (hour, first) => {
  const candidates = ["us", "eu", "us"].map((region, index): Deployment => {
    return { id: `${index}`, model: "m", provider: "p", upstreamModel: "m", region };
  });
  const call = testCall({ operation: "chat", request: { model: "m", messages: [] } });
  const [found] = officeHours(at(hour)).order(call as never, candidates);
  expect((found as Deployment).region).toBe(first);
});

it("docs/write-a-plugin.md shows the strategy as it stands, in ten lines or so", () => {
  const source = read(files("examples/custom-strategy/src/office-hours.ts")[0] as string);
  expect(read("docs/write-a-plugin.md")).toContain(source);
  expect(source.split("\n").filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(13);
});
