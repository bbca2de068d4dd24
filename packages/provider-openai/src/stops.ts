import { optionalTexts } from "@signalbox/kernel/http";
import type { Json } from "./json.ts";

/** One string, or an array of them. */
export function optionalStops(body: Json, name: string): readonly string[] | undefined {
  return typeof body[name] === "string" ? [body[name]] : optionalTexts(body, name);
}
