import type { ResponseHeaders } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { bodyFailure, unreadable } from "./errors.ts";
import { numberIn, objectOf, textIn, tryParse } from "./json.ts";
import type { WireProfile } from "./profile.ts";

/** The data that ends a stream. */
export const DONE_DATA = "[DONE]";

/**
 * The chunk in the data of one server-sent event; undefined for `[DONE]` and empty data.
 *
 * @throws {GatewayError} the error that the host sent in its place, or `provider_error` for what is no JSON object
 */
export function chunkOf(data: string, profile: WireProfile): JsonObject | undefined {
  if (data === DONE_DATA || data === "") return undefined;
  const chunk = objectOf(tryParse(data));
  if (chunk === undefined) throw unreadable(profile, "sent a chunk that is not a JSON object");
  if (hasError(chunk)) throw bodyFailure(profile, chunk);
  return chunk;
}

/** More choices than any host gives: OpenAI's `n` ends at 128. */
const MAX_CHOICES = 1024;

/**
 * Which choice of a reply this is. Room is made for every one up to it.
 *
 * @throws {GatewayError} `provider_error` for what is no index
 */
export function choiceIndex(choice: JsonObject, profile: WireProfile): number {
  const index = numberIn(choice["index"]) ?? 0;
  if (Number.isInteger(index) && index >= 0 && index < MAX_CHOICES) return index;
  throw unreadable(profile, "numbered a choice with something that is no index");
}

/** Whether an object holds an error in place of an answer; `error: null` is none. */
export function hasError(value: JsonObject): boolean {
  return isJsonObject(value["error"]) || textIn(value["error"]) !== undefined;
}

/**
 * The object in a body of status 200.
 *
 * @param member what an answer must hold: `choices`, `data`
 * @throws {GatewayError} the error that the host sent instead, or `provider_error`
 */
export function replyOfBody(body: Buffer, member: string, profile: WireProfile, headers: ResponseHeaders): JsonObject {
  const wire = objectOf(tryParse(body.toString()));
  if (wire !== undefined && Array.isArray(wire[member])) return wire;
  if (wire !== undefined && (hasError(wire) || wire["object"] === "error" || "message" in wire)) {
    throw bodyFailure(profile, wire, headers);
  }
  const type = textIn(headers["content-type"]) ?? "no content type";
  if (body.length === 0) throw unreadable(profile, "answered with an empty body");
  if (wire === undefined) throw unreadable(profile, `answered with something that is not JSON (${type})`);
  throw unreadable(profile, `answered without "${member}"`);
}

/** A choice that holds an error and no answer (OpenRouter): the whole reply has failed if all its choices have. */
export function choicesError(wire: JsonObject): JsonObject | undefined {
  const choices = wire["choices"];
  if (!Array.isArray(choices) || choices.length === 0) return undefined;
  let failed: JsonObject | undefined;
  for (const choice of choices as unknown[]) {
    if (!isJsonObject(choice) || !hasError(choice)) return undefined;
    failed ??= choice;
  }
  return failed;
}

export function isEventStream(headers: ResponseHeaders): boolean {
  return textIn(headers["content-type"])?.includes("event-stream") ?? false;
}
