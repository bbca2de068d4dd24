import type { IncomingHttpHeaders } from "node:http";
import type { DialectRequest, HttpReply } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { JsonBody, JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";

/** @throws {GatewayError} `invalid_request` */
export function requestObject(http: DialectRequest): { readonly json: JsonObject; readonly body: JsonBody } {
  const { body } = http;
  if (body === undefined) throw new GatewayError("invalid_request", "the request needs a JSON body");
  if (!isJsonObject(body.value)) throw new GatewayError("invalid_request", "the request body must be a JSON object");
  return { json: body.value, body };
}

/** `user` is OpenAI's own member; it names the end customer to the gateway too. */
export function isOwnField(name: string): boolean {
  return name === "user";
}

/** Client headers that belong to this dialect or to a host that speaks it; a provider passes on those its host takes. */
const HEADERS: readonly string[] = ["openai-beta", "http-referer", "x-title", "x-grok-conv-id"];

const NONE: readonly string[] = [];

export function clientHeaders(headers: IncomingHttpHeaders): readonly string[] {
  let found: string[] | undefined;
  for (const name of HEADERS) {
    const value = headers[name];
    if (typeof value !== "string") continue;
    found ??= [];
    found.push(name, value);
  }
  return found ?? NONE;
}

const JSON_HEADERS: Readonly<Record<string, string>> = { "content-type": "application/json" };

export function jsonReply(body: Buffer | string): HttpReply {
  return { status: 200, headers: JSON_HEADERS, body };
}
