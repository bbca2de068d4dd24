import { expect, it } from "vitest";
import { firstExample, runExample } from "./readme-example.ts";

it("the kernel's README example prints what it says", async () => {
  const { exitCode, stdout, stderr } = await runExample(firstExample("packages/kernel/README.md"));
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  expect(stdout).toBe("[ { type: 'text', text: 'Polly wants a cracker' } ]\nHi\n");
});
