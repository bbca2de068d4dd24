import type { JsonObject } from "@signalbox/kernel/http";
import { optionalTexts } from "@signalbox/kernel/http";

/** One string, or an array of them. */
export function optionalStops(body: JsonObject, name: string): readonly string[] | undefined {
  return typeof body[name] === "string" ? [body[name]] : optionalTexts(body, name);
}
