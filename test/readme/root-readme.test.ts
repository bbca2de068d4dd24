import { expect, it } from "vitest";
import { firstExample, runExample } from "./readme-example.ts";

it("the README's example prints what it says", async () => {
  const { exitCode, stdout, stderr } = await runExample(firstExample("README.md"));
  expect(stderr).toBe("");
  expect(stdout).toBe("[ { type: 'text', text: 'Hello' } ]\n");
  expect(exitCode).toBe(0);
});
