import type { JsonObject } from "@signalbox/kernel/http";

export function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** The members that are not in `known`; undefined when there are none. */
export function membersBesides(object: JsonObject, known: ReadonlySet<string>): JsonObject | undefined {
  let rest: Record<string, unknown> | undefined;
  for (const name in object) {
    if (known.has(name) || object[name] === undefined) continue;
    rest ??= {};
    rest[name] = object[name];
  }
  return rest;
}
