import { describe, expect, it } from "vitest";
import { cellOf, csvOf, jsonOf, Table } from "../src/http/table.ts";

async function all(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

describe("a cell", () => {
  it.each<[unknown, string]>([
    ["plain", "plain"],
    ["", ""],
    [null, ""],
    [undefined, ""],
    [-1.5, "-1.5"],
    [12n, "12"],
    [true, "true"],
    ["=1+1", `"'=1+1"`],
    ["+49", `"'+49"`],
    ["-1", `"'-1"`],
    ["@SUM(A1)", `"'@SUM(A1)"`],
    ["  =1", `"'  =1"`],
    ["\t=1", `"'=1"`],
    ["\r\n@x", `"'@x"`],
    ["\uFF1D1", `"'\uFF1D1"`],
    ["a=b", "a=b"],
    ["a,b", `"a,b"`],
    ['say "hi"', `"say ""hi"""`],
    ['="a"', `"'=""a"""`],
    ["line\nbreak\u0000\u001b[31m\u0085", "linebreak[31m"],
    [["a", "=b"], `"[""a"",""=b""]"`],
    [" padded ", `" padded "`],
  ])("%s is written as %s", (value, written) => {
    expect(cellOf(value)).toBe(written);
  });
});

describe("a table", () => {
  const table = new Table(["a", "b"], [[{ a: 1, b: "x" }], [], [{ b: "y,z", c: "no column" }]]);

  it("is written as CSV, with a head", async () => {
    expect(await all(csvOf(table))).toBe('a,b\r\n1,x\r\n,"y,z"\r\n');
  });

  it("is written as JSON", async () => {
    expect(await all(jsonOf(table))).toBe('[{"a":1,"b":"x"},\n{"b":"y,z","c":"no column"}]');
    expect(await all(jsonOf(new Table(["a"], [[]])))).toBe("[]");
  });
});
