import { describe, expect, it } from "vitest";
import { ERROR_RULES } from "@signalbox/kernel";
import { read } from "./workspace.ts";

describe("docs/errors.md", () => {
  const text = read("docs/errors.md");
  const headings = [...text.matchAll(/^### (\w+)$/gm)].map((match) => match[1]);

  it("has one heading per code, in the table's order", () => {
    const codes = Object.keys(ERROR_RULES);
    expect(headings).toEqual(codes);
  });

  it("states each code's status, type and whether it is retryable", () => {
    for (const [code, { status, type, retryable }] of Object.entries(ERROR_RULES)) {
      if (status === 0) continue;
      const line = `### ${code}\n\nHTTP ${status} · \`${type}\`${retryable ? " · retryable" : ""}\n`;
      expect(text, code).toContain(line);
    }
  });
});
