import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { measure, report } from "./measure.ts";

const qualities = measure();

it("has at least 300 cases", () => {
  expect(qualities.reduce((sum, { cases }) => sum + cases, 0)).toBeGreaterThanOrEqual(300);
});

it.each(qualities)("finds $kind well enough", ({ labels, found, wrong }) => {
  expect(found / labels).toBeGreaterThanOrEqual(0.85);
  expect(found / (found + wrong)).toBeGreaterThanOrEqual(0.85);
});

it("is what the docs say", () => {
  const page = readFileSync(new URL("../../../../docs/guardrail-quality.md", import.meta.url), "utf8");
  // `node --conditions=@signalbox/source packages/plugin-guardrails/test/quality/print.ts` writes the table
  expect(page).toContain(report(qualities));
});
