/** How deep a schema is followed before an optional end is taken: recursive schemas must come to one. */
const MAX_DEPTH = 32;

/** Texts that satisfy `format` (JSON Schema 2020-12, validation vocabulary, section 7.3). */
const FORMATS: Readonly<Record<string, string>> = {
  "date-time": "2026-01-01T00:00:00Z",
  date: "2026-01-01",
  time: "00:00:00Z",
  duration: "PT0S",
  email: "user@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
};

type Schema = Readonly<Record<string, unknown>>;

/**
 * The smallest value that a JSON Schema allows: required members only, shortest arrays and texts, the first of several
 * choices. `pattern`, `not` and conditions are not looked at.
 */
export function schemaInstance(schema: Schema): unknown {
  return instance(schema, schema, 0);
}

function instance(schema: unknown, root: Schema, depth: number): unknown {
  if (!isSchema(schema) || depth > MAX_DEPTH) return null;
  if ("const" in schema) return schema.const;
  if ("default" in schema) return schema.default;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  if (typeof schema.$ref === "string") return instance(resolve(schema.$ref, root), root, depth + 1);
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return instance(merged(schema, shallowest(choices, depth)), root, depth + 1);
  if (Array.isArray(schema.allOf)) return instance(schema.allOf.reduce(merged, schema), root, depth + 1);
  switch (typeOf(schema)) {
    case "object":
      return objectInstance(schema, root, depth);
    case "array":
      return arrayInstance(schema, root, depth);
    case "string":
      return stringInstance(schema);
    case "integer":
    case "number":
      return numberInstance(schema);
    case "boolean":
      return false;
    default:
      return null;
  }
}

function objectInstance(schema: Schema, root: Schema, depth: number): Readonly<Record<string, unknown>> {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? (schema.required as readonly string[]) : [];
  return Object.fromEntries(required.map((name) => [name, instance(properties[name] ?? {}, root, depth + 1)]));
}

function arrayInstance(schema: Schema, root: Schema, depth: number): readonly unknown[] {
  const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
  const length = typeof schema.minItems === "number" ? schema.minItems : 0;
  return Array.from({ length }, (_, index) => instance(prefix[index] ?? schema.items ?? {}, root, depth + 1));
}

function stringInstance(schema: Schema): string {
  const text = typeof schema.format === "string" ? (FORMATS[schema.format] ?? "") : "";
  return text.padEnd(typeof schema.minLength === "number" ? schema.minLength : 0, "x");
}

function numberInstance(schema: Schema): number {
  const step = typeof schema.multipleOf === "number" ? schema.multipleOf : 1;
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = schema as Readonly<Record<string, number>>;
  const aboveZero = (minimum ?? exclusiveMinimum ?? 0) > 0 || exclusiveMinimum === 0;
  if (aboveZero) {
    const number = Math.ceil((minimum ?? exclusiveMinimum ?? 0) / step) * step;
    return number === exclusiveMinimum ? number + step : number;
  }
  if ((maximum ?? exclusiveMaximum ?? 0) < 0 || exclusiveMaximum === 0) {
    const number = Math.floor((maximum ?? exclusiveMaximum ?? 0) / step) * step;
    return number === exclusiveMaximum ? number - step : number;
  }
  return 0;
}

/** Near the limit of depth a choice without members ends the recursion; before it, the first one is taken. */
function shallowest(choices: readonly unknown[], depth: number): unknown {
  if (depth <= MAX_DEPTH / 2) return choices[0];
  return choices.find((choice) => isSchema(choice) && choice.type === "null") ?? choices[0];
}

function merged(one: unknown, other: unknown): Schema {
  const { anyOf: _anyOf, oneOf: _oneOf, allOf: _allOf, ...rest } = isSchema(one) ? one : {};
  if (!isSchema(other)) return rest;
  const required = [...listOf(rest.required), ...listOf(other.required)];
  const properties = { ...(rest.properties as object), ...(other.properties as object) };
  return { ...rest, ...other, ...(required.length > 0 && { required }), properties };
}

function typeOf(schema: Schema): unknown {
  const type = schema.type;
  if (Array.isArray(type)) return type[0];
  if (type !== undefined) return type;
  if ("required" in schema || Object.keys((schema.properties as object | undefined) ?? {}).length > 0) {
    return "object";
  }
  return "items" in schema || "prefixItems" in schema ? "array" : undefined;
}

/** Follows `#/…` inside the schema; a reference to elsewhere is unknown. */
function resolve(reference: string, root: Schema): unknown {
  if (!reference.startsWith("#")) return undefined;
  let target: unknown = root;
  for (const step of reference.slice(1).split("/").filter(Boolean)) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    target = isSchema(target) || Array.isArray(target) ? (target as Record<string, unknown>)[name] : undefined;
  }
  return target;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
