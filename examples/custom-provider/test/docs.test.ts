import { expect, it } from "vitest";
import { read } from "../../../test/repository/workspace.ts";

const SOURCES = [
  "examples/custom-provider/src/parley.ts",
  "examples/custom-provider/test/parley.test.ts",
  "packages/kernel/src/testkit/README.md",
];

/** Without indentation, so that a piece of a function may stand alone. */
function plain(code: string): string {
  return code.replace(/^ +/gm, "").trim();
}

const sources = SOURCES.map((path) => plain(read(path)));
const blocks = [...read("docs/write-a-provider.md").matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code);

it("shows code that there is, and that tests run", () => {
  expect(blocks.length).toBeGreaterThan(4);
  for (const code of blocks)
    expect(
      sources.some((source) => source.includes(plain(code))),
      code,
    ).toBe(true);
});
