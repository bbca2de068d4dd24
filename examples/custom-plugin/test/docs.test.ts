import { expect, it } from "vitest";
import { files, read } from "../../../test/repository/workspace.ts";

const blocks = [...read("docs/write-a-plugin.md").matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code);

it("docs/write-a-plugin.md shows these plugins as they stand", () => {
  const sources = [...files("examples/custom-plugin/src/*.ts"), "examples/custom-strategy/src/office-hours.ts"].filter(
    (path) => !path.endsWith("/main.ts"),
  );
  expect([...blocks].sort()).toEqual(sources.map(read).sort());
});
