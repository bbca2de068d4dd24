import { expect, it } from "vitest";
import { runProgram } from "../../../test/readme/example-program.ts";

it("answers through a vendor of its own", async () => {
  const { exitCode, stdout, stderr } = await runProgram("custom-provider");
  expect(stderr).toBe("");
  expect(stdout).toBe("heard: Friends, \nheard: Romans.\nprovider_rate_limited: one speech at a time\nok\n");
  expect(exitCode).toBe(0);
});
