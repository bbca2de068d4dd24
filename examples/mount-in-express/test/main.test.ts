import { expect, it } from "vitest";
import { runProgram } from "../../../test/readme/example-program.ts";

it("lives under a path of an application with its own users and body parser", async () => {
  const { exitCode, stdout, stderr } = await runProgram("mount-in-express");
  expect(stderr).toBe("");
  expect(stdout).toContain("ada small 200\nada large 403\n");
  expect(exitCode).toBe(0);
});
