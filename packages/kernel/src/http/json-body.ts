import { isUtf8 } from "node:buffer";
import { GatewayError } from "../errors.ts";
import type { JsonEditOptions, JsonEdits, JsonMember } from "./json-edit.ts";
import { editJson, readMembers } from "./json-edit.ts";
import { jsonErrorPosition } from "./json-error-position.ts";
import { plainKeys } from "./json-keys.ts";
import type { JsonLimits } from "./json-limits.ts";
import { checkJsonValue, DEFAULT_JSON_LIMITS } from "./json-limits.ts";
import type { JsonScan } from "./json-scan.ts";
import { scanJson } from "./json-scan.ts";

export type { JsonEditOptions, JsonEdits } from "./json-edit.ts";
export type { JsonLimits } from "./json-limits.ts";

/**
 * Up to this size the worst body keeps `JSON.parse` busy for some 20 ms, and is checked after parsing, which is far
 * cheaper for every honest one. A larger body is scanned first.
 */
const PARSE_FIRST_BYTES = 128 * 1024;

/**
 * A JSON body as bytes and as a value. The bytes are what the client wrote, so that members nobody knows survive:
 * `edit` touches only what it is told to.
 */
export class JsonBody {
  #bytes: Buffer | undefined;
  #scan: JsonScan | undefined;
  #members: readonly JsonMember[] | undefined;
  readonly value: unknown;

  private constructor(value: unknown, bytes?: Buffer, scan?: JsonScan) {
    this.value = value;
    this.#bytes = bytes;
    this.#scan = scan;
  }

  /**
   * From a value that somebody else has parsed. The bytes are written when they are asked for.
   *
   * @throws {GatewayError} `invalid_request` over a limit
   */
  static of(value: unknown, limits: JsonLimits = DEFAULT_JSON_LIMITS): JsonBody {
    checkJsonValue(value, limits);
    return new JsonBody(value);
  }

  /**
   * From bytes. A byte order mark is dropped.
   *
   * @throws {GatewayError} `invalid_request` for bytes that are not UTF-8, for malformed JSON (with the position of the
   *   error, never with the text) and over a limit
   */
  static parse(bytes: Buffer, limits: JsonLimits = DEFAULT_JSON_LIMITS): JsonBody {
    const json = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
    if (!isUtf8(json)) throw new GatewayError("invalid_request", "the request body is not valid UTF-8");
    const scan = json.length > PARSE_FIRST_BYTES ? scanJson(json, limits) : undefined;
    const value = parseJson(json.toString());
    checkJsonValue(value, limits);
    return new JsonBody(value, json, scan);
  }

  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(JSON.stringify(this.value) ?? "null");
    return this.#bytes;
  }

  /**
   * The bytes with top-level members replaced, removed, added or renamed; every other byte is the same, and without
   * any change it is the same Buffer. Of a repeated member only the last is kept: it is the one that `value` shows and
   * that every check has seen, and vendors disagree about which one they read.
   *
   * @throws {GatewayError} `invalid_request` for edits of something that is not an object
   */
  edit(edits: JsonEdits, options?: JsonEditOptions): Buffer {
    const bytes = this.bytes;
    const { open, members } = this.#layout();
    if (open < 0) {
      if (Object.keys(edits).length === 0) return bytes;
      throw new GatewayError("invalid_request", "the request body must be a JSON object");
    }
    return editJson(bytes, open, members, edits, options?.rename);
  }

  /** The value of a top-level member as it is written; undefined when there is none. */
  memberText(name: string): string | undefined {
    const member = this.#layout().members.findLast((each) => each.name === name);
    return member === undefined ? undefined : this.bytes.toString("utf8", member.valueStart, member.valueEnd);
  }

  #layout(): { readonly open: number; readonly members: readonly JsonMember[] } {
    this.#scan ??= scanJson(this.bytes);
    this.#members ??= this.#scan.open < 0 ? [] : readMembers(this.bytes, this.#scan);
    return { open: this.#scan.open, members: this.#members };
  }

  /** The body after these edits. `value` is what they make of this one's. */
  edited(edits: JsonEdits, value: unknown): JsonBody {
    return new JsonBody(value, this.edit(edits));
  }
}

/** {@link JsonBody.parse} as a function. */
export function parseJsonBody(bytes: Buffer, limits?: JsonLimits): JsonBody {
  return JsonBody.parse(bytes, limits);
}

function parseJson(text: string): unknown {
  const plain = plainKeys(text);
  try {
    return JSON.parse(plain);
  } catch {
    // the engine's own message quotes the text
    if (text.trim() === "") throw new GatewayError("invalid_request", "the request body is empty");
    const position = jsonErrorPosition(text);
    const where = position >= text.length ? "it ends too early" : `unexpected character at position ${position}`;
    throw new GatewayError("invalid_request", `the request body is not valid JSON: ${where}`);
  }
}
