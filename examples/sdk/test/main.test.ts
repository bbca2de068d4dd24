import { expect, it } from "vitest";
import { runProgram } from "../../../test/readme/example-program.ts";

it("asks, watches, embeds and fails as it says", async () => {
  const { exitCode, stdout, stderr } = await runProgram("sdk");
  expect(stderr).toBe("");
  expect(stdout).toContain("whole:    Roses are red.\n");
  expect(stdout).toContain("failed:   provider_rate_limited (429)\n");
  expect(exitCode).toBe(0);
});
