import { expect, test } from "vitest";
import { PriorityLine } from "../../src/limits/priority-line.ts";

interface Item {
  readonly name: string;
  readonly priority: number;
}

const item = (name: string, priority: number): Item => ({ name, priority });

function drained(line: PriorityLine<Item>): readonly string[] {
  const names: string[] = [];
  for (let first = line.first(); first !== undefined; first = line.first()) {
    names.push(first.name);
    line.delete(first);
  }
  return names;
}

test("lower numbers first, then in order of arrival", () => {
  const line = new PriorityLine<Item>();
  expect(line.isEmpty).toBe(true);
  expect(line.first()).toBeUndefined();
  for (const [name, priority] of [
    ["a5", 5],
    ["a0", 0],
    ["b5", 5],
    ["a2000", 2_000],
    ["b0", 0],
    ["a3", 3],
  ] as const) {
    line.add(item(name, priority));
  }
  expect(line.isEmpty).toBe(false);
  expect(drained(line)).toEqual(["a0", "b0", "a3", "a5", "b5", "a2000"]);
  expect(line.isEmpty).toBe(true);
});

test("who leaves is not served, wherever it stood; who was never there changes nothing", () => {
  const line = new PriorityLine<Item>();
  const items = [item("a", 1), item("b", 1), item("c", 0), item("d", 2)];
  for (const each of items) line.add(each);
  line.delete(items[0] as Item);
  line.delete(items[2] as Item);
  line.delete(item("stranger", 0));
  line.delete(item("stranger", 1));
  line.delete(items[2] as Item);
  expect(drained(line)).toEqual(["b", "d"]);
});
