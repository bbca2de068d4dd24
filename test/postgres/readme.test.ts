import { expect, it } from "vitest";
import { examplesOf, runCode } from "../readme/run-source.ts";
import { createDatabase } from "../services/index.ts";

it("the example of the README prints what it says", async () => {
  const database = await createDatabase();
  const [example = ""] = examplesOf("packages/plugin-ledger-postgres/README.md");
  const { exitCode, stdout, stderr } = await runCode(example, { DATABASE_URL: database.url });
  await database.drop();
  expect([stderr, stdout, exitCode]).toEqual(["", "true\n", 0]);
});
