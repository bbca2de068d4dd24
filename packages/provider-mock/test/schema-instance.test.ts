import { expect, test } from "vitest";
import { schemaInstance } from "../src/schema-instance.ts";

const tree = {
  type: "object",
  properties: { value: { type: "string" }, children: { type: "array", items: { $ref: "#" } } },
  required: ["value", "children"],
};

test.each([
  [{ type: "string" }, ""],
  [{ type: "string", minLength: 2 }, "xx"],
  [{ type: "string", format: "date" }, "2026-01-01"],
  [{ type: "integer" }, 0],
  [{ type: "integer", minimum: 5, multipleOf: 3 }, 6],
  [{ type: "number", exclusiveMinimum: 0 }, 1],
  [{ type: "integer", maximum: -2 }, -2],
  [{ type: "integer", exclusiveMaximum: 0 }, -1],
  [{ type: ["null", "string"] }, null],
  [{ type: "boolean" }, false],
  [{ enum: ["b", "a"] }, "b"],
  [{ const: 7 }, 7],
  [{ type: "array", items: { type: "integer" } }, []],
  [{ type: "array", items: { type: "integer" }, minItems: 2 }, [0, 0]],
  [{ anyOf: [{ type: "string" }, { type: "null" }] }, ""],
  [
    {
      allOf: [
        { properties: { a: { const: 1 } }, required: ["a"] },
        { properties: { b: { const: 2 } }, required: ["b"] },
      ],
    },
    { a: 1, b: 2 },
  ],
  [{ $ref: "#/$defs/x~1y", $defs: { "x/y": { const: "found" } } }, "found"],
  [{ $ref: "https://example.com/other" }, null],
  [tree, { value: "", children: [] }],
  [{ type: "object", properties: { optional: { type: "string" } } }, {}],
  [{ properties: { a: { type: "string" } }, required: ["a"] }, { a: "" }],
] as const)("%j", (schema, expected) => {
  expect(schemaInstance(schema)).toEqual(expected);
});

test("a schema that requires itself comes to an end", () => {
  const endless = {
    type: "object",
    properties: { next: { anyOf: [{ $ref: "#" }, { type: "null" }] } },
    required: ["next"],
  };
  expect(JSON.stringify(schemaInstance(endless))).toMatch(/^(\{"next":)+null(\})+$/);
  const hopeless = { type: "object", properties: { next: { $ref: "#" } }, required: ["next"] };
  expect(JSON.stringify(schemaInstance(hopeless))).toMatch(/null/);
});
