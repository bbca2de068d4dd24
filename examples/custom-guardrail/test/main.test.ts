import { expect, it } from "vitest";
import { runProgram } from "../../../test/readme/example-program.ts";

it("masks addresses, plain and streamed", async () => {
  const { exitCode, stdout, stderr } = await runProgram("custom-guardrail");
  expect(stderr).toBe("");
  expect(stdout).toContain("plain:    Ask [e-mail], or Bob.\n");
  expect(stdout).toContain("shown:    I am [e-mail]. Who can help me?\n");
  expect(stdout).not.toContain("@");
  expect(stdout.endsWith("\nok\n")).toBe(true);
  expect(exitCode).toBe(0);
});
