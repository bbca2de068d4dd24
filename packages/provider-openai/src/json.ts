import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";

/** Narrow checks for what comes off the wire. Cheaper than a schema, and just as strict about what is used. */

/** Namespace of vendor fields in `extra` for everything that the OpenAI wire format carries, whichever host sent it. */
export const WIRE = "openai";

export function objectOf(value: unknown): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text that is not empty. */
export function textIn(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function numberIn(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Members whose names are not in `known` and whose values are not null; undefined when there are none. */
export function otherMembers(value: JsonObject, known: ReadonlySet<string>): Record<string, unknown> | undefined {
  let rest: Record<string, unknown> | undefined;
  for (const name in value) {
    const member = value[name];
    if (known.has(name) || member === null || member === undefined) continue;
    rest ??= {};
    rest[name] = member;
  }
  return rest;
}

/** JSON, or undefined for text that is not. */
export function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
