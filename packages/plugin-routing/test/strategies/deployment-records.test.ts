import { expect, it } from "vitest";
import { createModelTable } from "@signalbox/kernel";
import { DeploymentRecords } from "../../src/strategies/deployment-records.ts";
import { deployment } from "../calls.ts";

const records = (models: ReturnType<typeof createModelTable>) =>
  new DeploymentRecords(models, (id) => ({ id, inFlight: 0, gone: false }));

it("keeps one record for a wildcard, whatever names clients invent", () => {
  const models = createModelTable([deployment("wild", { model: "vendor/*", upstreamModel: "*" })], []);
  const kept = records(models);
  for (let name = 0; name < 5_000; name++) kept.of(models.deployments(`vendor/invented-${name}`));
  expect(kept.size).toBe(1);
});

it("keeps none of deployments that are gone, once their attempts have ended", () => {
  const models = createModelTable([deployment("start")], []);
  const kept = records(models);
  kept.of(models.deployments("m"));
  kept.begin(deployment("start"));
  for (let change = 0; change < 1_000; change++) {
    models.replace([deployment(`a${change}`), deployment(`b${change}`)]);
    kept.of(models.deployments("m"));
  }
  expect(kept.size).toBe(3);
  expect(kept.end(deployment("start"))?.id).toBe("start");
  expect(kept.size).toBe(2);
});

it("keeps the record of a deployment that is changed, or comes back while an attempt runs", () => {
  const models = createModelTable([deployment("a")], []);
  const kept = records(models);
  const [first] = kept.of(models.deployments("m"));
  models.replace([deployment("a", { weight: 3 })]);
  expect(kept.of(models.deployments("m"))[0]).toBe(first);
  kept.begin(deployment("a"));
  models.replace([deployment("b")]);
  kept.of(models.deployments("m"));
  models.replace([deployment("a")]);
  expect(kept.of(models.deployments("m"))[0]).toBe(first);
  kept.end(deployment("a"));
  expect(kept.size).toBe(1);
});

it("counts no end without a begin", () => {
  const models = createModelTable([deployment("a")], []);
  const kept = records(models);
  expect(kept.begin(deployment("stranger"))).toBeUndefined();
  const [record] = kept.of(models.deployments("m"));
  expect(kept.end(deployment("a"))).toBeUndefined();
  expect(record?.inFlight).toBe(0);
});
