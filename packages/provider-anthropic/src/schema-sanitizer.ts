import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";

/** A schema that Anthropic's structured outputs take, or why there is none. */
export type SanitizedSchema = { readonly schema: JsonObject } | { readonly obstacle: string };

/** Every optional property doubles the grammar; about this many are taken. */
const MAX_OPTIONAL_PROPERTIES = 10;

/** Keywords that the grammar compiler takes. */
const KEPT: ReadonlySet<string> = new Set([
  "type",
  "description",
  "title",
  "enum",
  "const",
  "default",
  "required",
  "$ref",
  "additionalProperties",
]);

const FORMATS: ReadonlySet<string> = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid",
]);

/** Annotations that constrain nothing. */
const IGNORED: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$comment",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
]);

/**
 * Fits a JSON Schema to `output_config.format`: bounds, lengths and patterns move into descriptions, where the model
 * still reads them; objects become closed. Recursive and open schemas, and those with many optional properties, have
 * no such form.
 */
export function sanitizeSchema(schema: JsonObject): SanitizedSchema {
  const recursion = recursiveDefinition(schema);
  if (recursion !== undefined) return { obstacle: `the schema refers to itself through ${JSON.stringify(recursion)}` };
  const walk: Walk = { optional: 0, obstacle: undefined };
  const sanitized = sanitizeNode(schema, walk);
  if (walk.obstacle !== undefined) return { obstacle: walk.obstacle };
  if (walk.optional > MAX_OPTIONAL_PROPERTIES) {
    return { obstacle: `the schema has ${walk.optional} optional properties; ${MAX_OPTIONAL_PROPERTIES} are taken` };
  }
  return { schema: sanitized };
}

interface Walk {
  optional: number;
  obstacle: string | undefined;
}

function sanitizeNode(node: JsonObject, walk: Walk): JsonObject {
  const kept: Record<string, unknown> = {};
  const moved: string[] = [];
  for (const [name, value] of Object.entries(node)) {
    if (IGNORED.has(name)) continue;
    if (KEPT.has(name)) kept[name] = value;
    else if (!sanitizeKeyword(name, value, kept, walk)) moved.push(`${name}: ${JSON.stringify(value)}`);
  }
  if (moved.length > 0) {
    const before = typeof kept.description === "string" ? `${kept.description}\n\n` : "";
    kept.description = `${before}{${moved.join(", ")}}`;
  }
  if (isObjectSchema(node)) closeObject(node, kept, walk);
  return kept;
}

/** Writes a keyword that holds schemas or is taken with some values. False: it has to move into the description. */
function sanitizeKeyword(name: string, value: unknown, kept: Record<string, unknown>, walk: Walk): boolean {
  switch (name) {
    case "properties":
    case "$defs":
    case "definitions":
      if (!isJsonObject(value)) return false;
      kept[name] = Object.fromEntries(Object.entries(value).map(([key, child]) => [key, sanitizeChild(child, walk)]));
      return true;
    case "items":
      kept[name] = sanitizeChild(value, walk);
      return true;
    case "anyOf":
    case "oneOf":
    case "allOf":
      if (!Array.isArray(value)) return false;
      // the compiler knows no `oneOf`; every value that fits it fits `anyOf`
      kept[name === "oneOf" ? "anyOf" : name] = value.map((child) => sanitizeChild(child, walk));
      return true;
    case "format":
      if (!FORMATS.has(String(value))) return false;
      kept[name] = value;
      return true;
    case "minItems":
      if (value !== 0 && value !== 1) return false;
      kept[name] = value;
      return true;
    default:
      return false;
  }
}

function sanitizeChild(child: unknown, walk: Walk): unknown {
  if (isJsonObject(child)) {
    if (Object.keys(child).length === 0) walk.obstacle ??= "the schema has a part that allows anything";
    return sanitizeNode(child, walk);
  }
  if (child === true) walk.obstacle ??= "the schema has a part that allows anything";
  return child;
}

function isObjectSchema(node: JsonObject): boolean {
  const type = node.type;
  return type === "object" || (Array.isArray(type) && type.includes("object")) || isJsonObject(node.properties);
}

function closeObject(node: JsonObject, kept: Record<string, unknown>, walk: Walk): void {
  const properties = isJsonObject(node.properties) ? Object.keys(node.properties) : [];
  const additional = node.additionalProperties;
  if (additional === true || isJsonObject(additional) || (properties.length === 0 && additional !== false)) {
    walk.obstacle ??= "the schema has an object with free property names";
  }
  const required = Array.isArray(node.required) ? node.required.length : 0;
  walk.optional += Math.max(0, properties.length - required);
  kept.additionalProperties = false;
}

/** The first definition that reaches itself, if any. `#` is the whole schema. */
function recursiveDefinition(schema: JsonObject): string | undefined {
  const reached = new Map<string, ReadonlySet<string>>();
  const pending = [...references(schema)];
  for (let reference = pending.pop(); reference !== undefined; reference = pending.pop()) {
    if (reference === "#") return reference;
    if (reached.has(reference)) continue;
    const found = references(resolve(schema, reference));
    reached.set(reference, found);
    pending.push(...found);
  }
  for (const start of reached.keys()) {
    const seen = new Set<string>();
    const next = [...(reached.get(start) ?? [])];
    for (let reference = next.pop(); reference !== undefined; reference = next.pop()) {
      if (reference === start) return start;
      if (seen.has(reference)) continue;
      seen.add(reference);
      next.push(...(reached.get(reference) ?? []));
    }
  }
  return undefined;
}

/** What a node refers to, definitions themselves left out. */
function references(node: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (!isJsonObject(value)) return;
    if (typeof value.$ref === "string") found.add(value.$ref);
    for (const [name, child] of Object.entries(value)) if (name !== "$defs" && name !== "definitions") visit(child);
  };
  visit(node);
  return found;
}

function resolve(schema: JsonObject, reference: string): unknown {
  let node: unknown = schema;
  for (const step of reference.replace(/^#\/?/, "").split("/")) {
    if (!isJsonObject(node)) return undefined;
    node = node[step.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return node;
}
