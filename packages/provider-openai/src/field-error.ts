import { GatewayError } from "@signalbox/kernel";
import type { Json } from "./json.ts";

/** An error that names the field as the client wrote it. */
export function fieldError(path: string, must: string): GatewayError {
  return new GatewayError("invalid_request", `${path} must be ${must}`, { param: path });
}

/** Readers for optional members of a request: null counts as missing, a wrong type is an error that names the field. */

export function optionalText(body: Json, name: string, path: string = name): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw fieldError(path, "a string");
  return value;
}

export function optionalNumber(body: Json, name: string, path: string = name): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") throw fieldError(path, "a number");
  return value;
}

export function optionalCount(body: Json, name: string, path: string = name): number | undefined {
  const value = optionalNumber(body, name, path);
  if (value !== undefined && (!Number.isInteger(value) || value < 0))
    throw fieldError(path, "a whole number of at least 0");
  return value;
}

export function optionalFlag(body: Json, name: string, path: string = name): boolean | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw fieldError(path, "true or false");
  return value;
}

export function optionalObject(body: Json, name: string, path: string = name): Json | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw fieldError(path, "an object");
  return value as Json;
}

export function optionalList(body: Json, name: string, path: string = name): readonly unknown[] | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw fieldError(path, "an array");
  return value;
}

export function optionalTexts(body: Json, name: string, path: string = name): readonly string[] | undefined {
  const list = optionalList(body, name, path);
  if (list === undefined) return undefined;
  for (const [at, item] of list.entries()) if (typeof item !== "string") throw fieldError(`${path}[${at}]`, "a string");
  return list as readonly string[];
}

/** One string, or an array of them. */
export function optionalStops(body: Json, name: string): readonly string[] | undefined {
  return typeof body[name] === "string" ? [body[name]] : optionalTexts(body, name);
}
