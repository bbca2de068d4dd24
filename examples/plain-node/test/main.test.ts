import { expect, it } from "vitest";
import { runProgram } from "../../../test/readme/example-program.ts";

it("serves an OpenAI client over plain node:http", async () => {
  const { exitCode, stdout, stderr } = await runProgram("plain-node");
  expect(stderr).toBe("");
  expect(stdout).toContain("200 Hello (by parrot-1)\n");
  expect(stdout).toContain('404 model "parot" does not exist; the nearest names are "parrot"\n');
  expect(exitCode).toBe(0);
});
