import { GatewayError } from "../errors.ts";
import type { JsonObject } from "./json-object.ts";
import { isJsonObject } from "./json-object.ts";

// Readers for optional members of a request: null counts as missing, a wrong type is an error that names the field.

/** An `invalid_request` that names the field as the client wrote it. */
export function fieldError(path: string, must: string): GatewayError {
  return new GatewayError("invalid_request", `${path} must be ${must}`, { param: path });
}

/** @throws {GatewayError} `invalid_request` naming the field */
export function optionalText(body: JsonObject, name: string, path: string = name): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw fieldError(path, "a string");
  return value;
}

/** @throws {GatewayError} `invalid_request` naming the field */
export function optionalNumber(body: JsonObject, name: string, path: string = name): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") throw fieldError(path, "a number");
  return value;
}

/** @throws {GatewayError} `invalid_request` naming the field */
export function optionalCount(body: JsonObject, name: string, path: string = name): number | undefined {
  const value = optionalNumber(body, name, path);
  if (value !== undefined && (!Number.isInteger(value) || value < 0))
    throw fieldError(path, "a whole number of at least 0");
  return value;
}

/** @throws {GatewayError} `invalid_request` naming the field */
export function optionalFlag(body: JsonObject, name: string, path: string = name): boolean | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw fieldError(path, "true or false");
  return value;
}

/** @throws {GatewayError} `invalid_request` naming the field */
export function optionalObject(body: JsonObject, name: string, path: string = name): JsonObject | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw fieldError(path, "an object");
  return value;
}

/** @throws {GatewayError} `invalid_request` naming the field */
export function optionalList(body: JsonObject, name: string, path: string = name): readonly unknown[] | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw fieldError(path, "an array");
  return value;
}

/** @throws {GatewayError} `invalid_request` naming the field, or the item: `stop[2]` */
export function optionalTexts(body: JsonObject, name: string, path: string = name): readonly string[] | undefined {
  const list = optionalList(body, name, path);
  if (list === undefined) return undefined;
  for (const [at, item] of list.entries()) if (typeof item !== "string") throw fieldError(`${path}[${at}]`, "a string");
  return list as readonly string[];
}
