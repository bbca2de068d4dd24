import { isDeepStrictEqual } from "node:util";
import type { PatternTest } from "../checks/pattern-test.ts";

type Schema = boolean | Readonly<Record<string, unknown>>;

/** Validates against JSON Schema; made once for a schema. */
export interface Validator {
  /** What is wrong, as JSON pointers with reasons; empty: nothing. Values are not named. */
  errors(value: unknown): readonly string[];
}

/** What was asked of a schema that is not its business, or takes too long. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

const MOST_STEPS = 100_000;
const DEEPEST = 64;
const MOST_ERRORS = 8;

/** Assertions that are understood. Annotations, such as `title` and `format`, assert nothing. */
const UNSUPPORTED = ["unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"] as const;

/**
 * The assertions of JSON Schema 2020-12 (with `items` lists and `definitions` of older drafts), without code generation and
 * with a bound of steps: schemas come from clients. Expressions run in linear time.
 *
 * @throws {SchemaError} for keywords that it would have to pass over, references that lead nowhere and broken expressions
 */
export function validator(schema: Schema, pattern: (source: string) => PatternTest): Validator {
  const patterns = new Map<string, PatternTest>();
  const fits = (source: string, text: string): boolean => {
    let test = patterns.get(source);
    if (test === undefined) {
      try {
        test = pattern(source);
      } catch (thrown) {
        throw new SchemaError(`the expression ${JSON.stringify(source)} is not understood`, { cause: thrown });
      }
      patterns.set(source, test);
    }
    return test(text);
  };
  return {
    errors(value) {
      const run = new Run(schema, fits);
      run.check(schema, value, "", 0);
      return run.errors;
    },
  };
}

class Run {
  errors: string[] = [];
  readonly #root: Schema;
  readonly #fits: (source: string, text: string) => boolean;
  #steps = 0;

  constructor(root: Schema, fits: (source: string, text: string) => boolean) {
    this.#root = root;
    this.#fits = fits;
  }

  check(schema: Schema, value: unknown, path: string, depth: number): void {
    if (++this.#steps > MOST_STEPS || depth > DEEPEST) throw new SchemaError("the schema takes too long to check");
    if (schema === true) return;
    if (schema === false) {
      this.#fail(path, "is not allowed");
      return;
    }
    const unknown = UNSUPPORTED.find((keyword) => keyword in schema);
    if (unknown !== undefined) throw new SchemaError(`the keyword ${unknown} is not understood`);
    if (typeof schema["$ref"] === "string") this.check(this.#resolve(schema["$ref"]), value, path, depth + 1);
    this.#checkAny(schema, value, path);
    if (typeof value === "string") this.#checkText(schema, value, path);
    if (typeof value === "number") this.#checkNumber(schema, value, path);
    if (Array.isArray(value)) this.#checkList(schema, value, path, depth);
    else if (typeof value === "object" && value !== null) this.#checkObject(schema, value, path, depth);
    this.#checkCombined(schema, value, path, depth);
  }

  #fail(path: string, reason: string): void {
    if (this.errors.length < MOST_ERRORS) this.errors.push(`${path === "" ? "/" : path} ${reason}`);
  }

  #fitsSchema(schema: Schema, value: unknown, path: string, depth: number): boolean {
    const outer = this.errors;
    this.errors = [];
    this.check(schema, value, path, depth + 1);
    const fits = this.errors.length === 0;
    this.errors = outer;
    return fits;
  }

  #resolve(reference: string): Schema {
    if (!reference.startsWith("#"))
      throw new SchemaError(`the reference ${JSON.stringify(reference)} leads out of the schema`);
    let found: unknown = this.#root;
    for (const step of reference.slice(1).split("/").slice(1)) {
      const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
      found =
        typeof found === "object" && found !== null && Object.hasOwn(found, name)
          ? Reflect.get(found, name)
          : undefined;
    }
    if (!isSchema(found)) throw new SchemaError(`the reference ${JSON.stringify(reference)} leads nowhere`);
    return found;
  }

  #checkAny(schema: Readonly<Record<string, unknown>>, value: unknown, path: string): void {
    const { type } = schema;
    if (type !== undefined) {
      const types = Array.isArray(type) ? type : [type];
      if (!types.some((each) => isType(each, value))) this.#fail(path, `must be ${types.join(" or ")}`);
    }
    if (Array.isArray(schema["enum"]) && !schema["enum"].some((each) => isDeepStrictEqual(each, value))) {
      this.#fail(path, "must be one of the values listed");
    }
    if ("const" in schema && !isDeepStrictEqual(schema["const"], value)) this.#fail(path, "must be the value given");
  }

  #checkText(schema: Readonly<Record<string, unknown>>, text: string, path: string): void {
    if ("minLength" in schema || "maxLength" in schema)
      this.#bounds(schema, [...text].length, "Length", "characters", path);
    const { pattern } = schema;
    if (typeof pattern === "string" && !this.#fits(pattern, text)) this.#fail(path, "must match the expression");
  }

  #bounds(schema: Readonly<Record<string, unknown>>, count: number, what: string, unit: string, path: string): void {
    const [least, most] = [schema[`min${what}`], schema[`max${what}`]];
    if (typeof least === "number" && count < least) this.#fail(path, `must have at least ${least} ${unit}`);
    if (typeof most === "number" && count > most) this.#fail(path, `must have at most ${most} ${unit}`);
  }

  #checkNumber(schema: Readonly<Record<string, unknown>>, value: number, path: string): void {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
    if (typeof minimum === "number" && value < minimum) this.#fail(path, `must be at least ${minimum}`);
    if (typeof maximum === "number" && value > maximum) this.#fail(path, `must be at most ${maximum}`);
    if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) {
      this.#fail(path, `must be more than ${exclusiveMinimum}`);
    }
    if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum) {
      this.#fail(path, `must be less than ${exclusiveMaximum}`);
    }
    if (typeof multipleOf === "number" && multipleOf > 0) {
      const times = value / multipleOf;
      if (Math.abs(times - Math.round(times)) > 1e-9 * Math.max(1, Math.abs(times))) {
        this.#fail(path, `must be a multiple of ${multipleOf}`);
      }
    }
  }

  #checkList(schema: Readonly<Record<string, unknown>>, list: readonly unknown[], path: string, depth: number): void {
    this.#bounds(schema, list.length, "Items", "items", path);
    const { items, contains } = schema;
    const first = Array.isArray(schema["prefixItems"]) ? schema["prefixItems"] : Array.isArray(items) ? items : [];
    const rest = Array.isArray(items) ? schema["additionalItems"] : items;
    for (const [at, value] of list.entries()) {
      const each = at < first.length ? first[at] : rest;
      if (isSchema(each)) this.check(each, value, `${path}/${at}`, depth + 1);
    }
    if (schema["uniqueItems"] === true) {
      const seen = new Set(list.map((value) => JSON.stringify(value)));
      if (seen.size < list.length) this.#fail(path, "must have no item twice");
    }
    if (isSchema(contains)) {
      const count = list.filter((value, at) => this.#fitsSchema(contains, value, `${path}/${at}`, depth)).length;
      const least = typeof schema["minContains"] === "number" ? schema["minContains"] : 1;
      const most = typeof schema["maxContains"] === "number" ? schema["maxContains"] : Number.POSITIVE_INFINITY;
      if (count < least || count > most) this.#fail(path, "must contain the items described");
    }
  }

  #checkObject(schema: Readonly<Record<string, unknown>>, value: object, path: string, depth: number): void {
    const names = Object.keys(value);
    this.#bounds(schema, names.length, "Properties", "members", path);
    for (const name of listOf(schema["required"])) {
      if (!Object.hasOwn(value, name as string)) this.#fail(path, `must have ${JSON.stringify(name)}`);
    }
    const properties = recordOf(schema["properties"]);
    const patterned = Object.entries(recordOf(schema["patternProperties"]));
    const { additionalProperties, propertyNames } = schema;
    for (const name of names) {
      const member = Reflect.get(value, name);
      const place = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1").slice(0, 64)}`;
      let described = false;
      if (Object.hasOwn(properties, name) && isSchema(properties[name])) {
        described = true;
        this.check(properties[name] as Schema, member, place, depth + 1);
      }
      for (const [source, each] of patterned) {
        if (!isSchema(each) || !this.#fits(source, name)) continue;
        described = true;
        this.check(each, member, place, depth + 1);
      }
      if (!described && isSchema(additionalProperties)) this.check(additionalProperties, member, place, depth + 1);
      if (isSchema(propertyNames)) this.check(propertyNames, name, place, depth + 1);
    }
    for (const [name, needed] of Object.entries(recordOf(schema["dependentRequired"]))) {
      if (!Object.hasOwn(value, name)) continue;
      for (const each of listOf(needed)) {
        if (!Object.hasOwn(value, each as string)) this.#fail(path, `must have ${JSON.stringify(each)}`);
      }
    }
    for (const [name, each] of Object.entries(recordOf(schema["dependentSchemas"]))) {
      if (Object.hasOwn(value, name) && isSchema(each)) this.check(each, value, path, depth + 1);
    }
  }

  #checkCombined(schema: Readonly<Record<string, unknown>>, value: unknown, path: string, depth: number): void {
    for (const each of schemasOf(schema["allOf"])) this.check(each, value, path, depth + 1);
    const fitting = (list: readonly Schema[]): number =>
      list.filter((each) => this.#fitsSchema(each, value, path, depth)).length;
    const [any, one] = [schemasOf(schema["anyOf"]), schemasOf(schema["oneOf"])];
    if (any.length > 0 && fitting(any) === 0) this.#fail(path, "must fit one of the forms");
    if (one.length > 0 && fitting(one) !== 1) this.#fail(path, "must fit exactly one of the forms");
    const { not, if: condition } = schema;
    if (isSchema(not) && this.#fitsSchema(not, value, path, depth)) this.#fail(path, "must not fit the form given");
    if (isSchema(condition)) {
      const branch = schema[this.#fitsSchema(condition, value, path, depth) ? "then" : "else"];
      if (isSchema(branch)) this.check(branch, value, path, depth + 1);
    }
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "boolean" || (typeof value === "object" && value !== null && !Array.isArray(value));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function schemasOf(value: unknown): readonly Schema[] {
  return listOf(value).filter(isSchema);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function isType(type: unknown, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
