import { describe, expect, it } from "vitest";
import type { Deployment, Principal, Provider } from "@signalbox/kernel";
import { APPLICATION, createModelTable } from "@signalbox/kernel";

function deployment(id: string, model: string, fields: Partial<Deployment> = {}): Deployment {
  return { id, model, provider: "shop", upstreamModel: model.endsWith("*") ? "*" : model, ...fields };
}

const member = (teamId?: string): Principal => ({
  id: "k",
  kind: "key",
  admin: false,
  models: ["*"],
  ...(teamId !== undefined && { teamId }),
});

const ids = (deployments: readonly Deployment[]): readonly string[] => deployments.map(({ id }) => id);

describe("the deployments of a name", () => {
  const table = createModelTable(
    [
      deployment("1", "fast"),
      deployment("2", "openai/*"),
      deployment("3", "fast"),
      deployment("4", "openai/o*", { upstreamModel: "o*" }),
      deployment("5", "openai/o3"),
      deployment("6", "free/*", { upstreamModel: "fixed" }),
    ],
    [],
  );

  it.each([
    ["fast", ["1", "3"]],
    ["openai/o3", ["5"]],
    ["openai/o4", ["4"]],
    ["openai/gpt", ["2"]],
    ["other", []],
    ["openai/*", []],
    ["constructor", []],
  ])("%s", (model, expected) => {
    expect(ids(table.deployments(model))).toEqual(expected);
  });

  it("are concrete where a wildcard finds them, under the same id", () => {
    expect(table.deployments("openai/o4")).toEqual([
      { id: "4", model: "openai/o4", provider: "shop", upstreamModel: "o4" },
    ]);
    expect(table.deployments("free/anything")[0]).toMatchObject({
      id: "6",
      model: "free/anything",
      upstreamModel: "fixed",
    });
  });

  it("are the same array as long as nothing changes", () => {
    for (const model of ["fast", "openai/o4", "nothing"]) {
      expect(table.deployments(model)).toBe(table.deployments(model));
      expect(table.deployments(model, member())).toBe(table.deployments(model, APPLICATION));
    }
  });

  it("of a bare name are those of the provider that owns the prefix", () => {
    const provider: Provider = { name: "shop", operations: {}, modelPrefixes: ["gpt-"] };
    const own = createModelTable([deployment("1", "shop/*")], [provider]);
    expect(own.deployments("gpt-5")[0]).toMatchObject({ model: "gpt-5", upstreamModel: "gpt-5" });
    expect(own.deployments("claude")).toEqual([]);
  });

  it("stay bounded in number, whatever names clients invent", () => {
    const first = table.deployments("openai/first");
    for (let count = 0; count < 5_000; count++) table.deployments(`openai/invented-${count}`);
    expect(table.deployments("openai/first")).toEqual(first);
    expect(table.names()).toHaveLength(5);
  });
});

describe("deployments of teams", () => {
  const table = createModelTable(
    [
      deployment("common", "fast"),
      deployment("red", "fast", { teamId: "red" }),
      deployment("red-only", "red/secret", { teamId: "red" }),
      deployment("all", "lab/*"),
      deployment("blue-lab", "lab/*", { teamId: "blue" }),
      deployment("blue-any", "blue/*", { teamId: "blue" }),
    ],
    [],
  );

  it.each([
    ["fast", undefined, ["common"]],
    ["fast", "red", ["red"]],
    ["fast", "blue", ["common"]],
    ["fast", "green", ["common"]],
    ["red/secret", "red", ["red-only"]],
    ["red/secret", "blue", []],
    ["red/secret", undefined, []],
    ["lab/x", undefined, ["all"]],
    ["lab/x", "blue", ["blue-lab"]],
    ["blue/x", "blue", ["blue-any"]],
    ["blue/x", "red", []],
  ])("%s for team %s", (model, team, expected) => {
    expect(ids(table.deployments(model, member(team)))).toEqual(expected);
    expect(table.deployments(model, member(team))).toBe(table.deployments(model, member(team)));
  });

  it("are all there for nobody in particular", () => {
    expect(ids(table.deployments("fast"))).toEqual(["common", "red"]);
    expect(ids(table.all())).toEqual(["common", "red", "red-only", "all", "blue-lab", "blue-any"]);
  });

  it("are found under names that only a team has", () => {
    expect(ids(table.deployments("lab/anything", member("blue")))).toEqual(["blue-lab"]);
    expect(table.names()).toEqual(["fast", "red/secret", "lab/*", "blue/*"]);
  });
});

describe("a change", () => {
  it("counts the version up; what was handed out stays as it is", () => {
    const table = createModelTable([deployment("1", "fast")], []);
    const before = table.deployments("fast");
    expect(table.version).toBe(0);
    table.replace([deployment("2", "fast"), deployment("3", "slow")]);
    expect(table.version).toBe(1);
    expect(ids(before)).toEqual(["1"]);
    expect(ids(table.deployments("fast"))).toEqual(["2"]);
    expect(table.names()).toEqual(["fast", "slow"]);
    table.replace([]);
    expect([table.version, table.deployments("fast"), table.all(), table.names()]).toEqual([2, [], [], []]);
  });

  it("may bring the first team, and take it away again", () => {
    const table = createModelTable([deployment("1", "fast")], []);
    table.replace([deployment("1", "fast"), deployment("2", "fast", { teamId: "red" })]);
    expect(ids(table.deployments("fast", member("red")))).toEqual(["2"]);
    expect(ids(table.deployments("fast", member()))).toEqual(["1"]);
    table.replace([deployment("1", "fast")]);
    expect(ids(table.deployments("fast", member("red")))).toEqual(["1"]);
  });
});
