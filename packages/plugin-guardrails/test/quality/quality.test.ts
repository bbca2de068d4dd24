import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
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

it("is what the docs say", async () => {
  const path = new URL("../../../../docs/guardrail-quality.md", import.meta.url);
  const [words = ""] = readFileSync(path, "utf8").split("| kind |");
  // `vitest run -u` writes the table anew
  await expect(`${words}${report(qualities)}\n`).toMatchFileSnapshot(fileURLToPath(path));
});
