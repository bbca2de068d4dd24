import type { Attempt, EmbedResult } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { unreadable } from "./errors.ts";
import { numberIn, WIRE } from "./json.ts";
import type { WireProfile } from "./profile.ts";

/** The body of an embedding request for the wire. Vectors are asked for as numbers, which every host can send. */
export function embedBody(attempt: Attempt<"embed">): Record<string, unknown> {
  const { request } = attempt;
  return {
    ...request.extra?.[WIRE],
    model: attempt.upstreamModel,
    input: request.inputs,
    ...(request.dimensions !== undefined && { dimensions: request.dimensions }),
    ...(request.inputType !== undefined && { input_type: request.inputType }),
    ...(request.user !== undefined && { user: request.user }),
    ...attempt.deployment.extraBody,
  };
}

type Vector = EmbedResult["embeddings"][number];

/** Vectors in input order. @throws {GatewayError} `provider_error` for something that is no vector */
export function readEmbeddings(wire: JsonObject, profile: WireProfile): readonly Vector[] {
  const vectors: Vector[] = [];
  const entries = wire["data"] as readonly unknown[];
  for (const [at, entry] of entries.entries()) {
    const row: JsonObject = isJsonObject(entry) ? entry : {};
    const vector = vectorOf(row["embedding"]);
    if (vector === undefined)
      throw unreadable(profile, "answered with an embedding that is neither numbers nor base64");
    const index = numberIn(row["index"]) ?? at;
    if (!Number.isInteger(index) || index < 0 || index >= entries.length)
      throw unreadable(profile, "numbered an embedding with something that is no index");
    vectors[index] = vector;
  }
  return vectors;
}

function vectorOf(value: unknown): Vector | undefined {
  if (Array.isArray(value)) return value as readonly number[];
  return typeof value === "string" ? decodeVector(value) : undefined;
}

const FLOAT_BYTES = 4;

/** Base64 of little-endian 32-bit floats. */
function decodeVector(base64: string): Float32Array {
  const bytes = Buffer.from(base64, "base64");
  const vector = new Float32Array(Math.floor(bytes.length / FLOAT_BYTES));
  for (let at = 0; at < vector.length; at++) vector[at] = bytes.readFloatLE(at * FLOAT_BYTES);
  return vector;
}

export function encodeVector(vector: Vector): string {
  const bytes = Buffer.allocUnsafe(vector.length * FLOAT_BYTES);
  for (let at = 0; at < vector.length; at++) bytes.writeFloatLE(vector[at] as number, at * FLOAT_BYTES);
  return bytes.toString("base64");
}
