import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { measure, report } from "./measure.ts";

const qualities = measure();
// Nothing is asked of these: a rule that is changed for them makes them worth nothing.
const heldOut = measure("held-out/");

const HELD_OUT = `
## On texts that no rule was made for

The 150 cases of \`held-out\` were labelled before any detector had seen them, and no rule has been changed for them since.
`;

it("has at least 300 cases", () => {
  expect(qualities.reduce((sum, { cases }) => sum + cases, 0)).toBeGreaterThanOrEqual(300);
});

it("holds 150 cases back", () => {
  expect(heldOut.reduce((sum, { cases }) => sum + cases, 0)).toBe(150);
});

it.each(qualities)("finds $kind well enough", ({ labels, found, wrong }) => {
  expect(found / labels).toBeGreaterThanOrEqual(0.85);
  expect(found / (found + wrong)).toBeGreaterThanOrEqual(0.85);
});

it("is what the docs say", async () => {
  const path = new URL("../../../../docs/guardrail-quality.md", import.meta.url);
  const [words = ""] = readFileSync(path, "utf8").split("| kind |");
  // `vitest run -u` writes the table anew
  await expect(`${words}${report(qualities)}\n${HELD_OUT}\n${report(heldOut)}\n`).toMatchFileSnapshot(
    fileURLToPath(path),
  );
});
