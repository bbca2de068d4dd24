import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, read } from "./workspace.ts";

describe("docs/guarantees.md", () => {
  const [, table = ""] = read("docs/guarantees.md").split("| promise | held by |");
  const rows = table
    .split("\n")
    .slice(2)
    .filter((_line, at, lines) => lines.slice(0, at + 1).every((each) => each.startsWith("|")))
    .map((line) => line.slice(2, -2).split(" | "));

  it("has promises, each held by tests that are there and that check something", () => {
    expect(rows.length).toBeGreaterThanOrEqual(30);
    for (const [promise = "", holders = ""] of rows) {
      const paths = [...holders.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
      expect(paths.length, promise).toBeGreaterThan(0);
      for (const path of paths) {
        expect(path).toMatch(/\.test\.ts$/);
        expect(existsSync(join(ROOT, path)), path).toBe(true);
        expect(read(path), path).toMatch(/\b(it|test[A-Z]\w+)(\.\w+)*[<(]/);
      }
    }
  });

  it("makes no promise twice", () => {
    expect(new Set(rows.map(([promise]) => promise)).size).toBe(rows.length);
  });
});
