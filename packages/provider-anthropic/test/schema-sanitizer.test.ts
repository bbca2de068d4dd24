import { describe, expect, it } from "vitest";
import { sanitizeSchema } from "../src/schema-sanitizer.ts";

describe("sanitizeSchema", () => {
  it("moves bounds and patterns into descriptions and closes objects", () => {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        age: { type: "integer", minimum: 0, maximum: 150, description: "In years." },
        code: { type: "string", pattern: "^[A-Z]+$", minLength: 2 },
        when: { type: "string", format: "date-time" },
        phone: { type: "string", format: "phone" },
        tags: { type: "array", items: { type: "string" }, minItems: 1, maxItems: 3 },
        home: { $ref: "#/$defs/address" },
        either: { oneOf: [{ type: "string" }, { type: "null" }] },
      },
      required: ["age", "code", "when", "phone", "tags", "home"],
      $defs: { address: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } },
    };
    expect(sanitizeSchema(schema)).toEqual({
      schema: {
        type: "object",
        properties: {
          age: { type: "integer", description: "In years.\n\n{minimum: 0, maximum: 150}" },
          code: { type: "string", description: '{pattern: "^[A-Z]+$", minLength: 2}' },
          when: { type: "string", format: "date-time" },
          phone: { type: "string", description: '{format: "phone"}' },
          tags: { type: "array", items: { type: "string" }, minItems: 1, description: "{maxItems: 3}" },
          home: { $ref: "#/$defs/address" },
          either: { anyOf: [{ type: "string" }, { type: "null" }] },
        },
        required: ["age", "code", "when", "phone", "tags", "home"],
        $defs: {
          address: {
            type: "object",
            properties: { city: { type: "string" } },
            required: ["city"],
            additionalProperties: false,
          },
        },
        additionalProperties: false,
      },
    });
  });

  const object = (properties: Record<string, unknown>, more: object = {}) => ({ type: "object", properties, ...more });
  it.each([
    ["recursive", object({ next: { $ref: "#" } }), 'the schema refers to itself through "#"'],
    [
      "mutually recursive",
      {
        ...object({ a: { $ref: "#/$defs/a" } }),
        $defs: { a: object({ b: { $ref: "#/$defs/b" } }), b: object({ a: { $ref: "#/$defs/a" } }) },
      },
      'the schema refers to itself through "#/$defs/a"',
    ],
    [
      "open",
      object({ a: { type: "string" } }, { additionalProperties: true }),
      "the schema has an object with free property names",
    ],
    [
      "a map",
      { type: "object", additionalProperties: { type: "number" } },
      "the schema has an object with free property names",
    ],
    ["anything", object({ a: {} }), "the schema has a part that allows anything"],
    [
      "many optional properties",
      object(Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`p${index}`, { type: "string" }]))),
      "the schema has 11 optional properties; 10 are taken",
    ],
  ])("tells why it cannot take a schema: %s", (_name, schema, obstacle) => {
    expect(sanitizeSchema(schema)).toEqual({ obstacle });
  });

  it("does not take a definition that is used twice for a recursion", () => {
    const schema = {
      ...object({ a: { $ref: "#/$defs/x" }, b: { $ref: "#/$defs/x" } }, { required: ["a", "b"] }),
      $defs: { x: { type: "string" } },
    };
    expect(sanitizeSchema(schema)).toHaveProperty("schema.$defs", { x: { type: "string" } });
  });
});
