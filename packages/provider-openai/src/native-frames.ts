import type { JsonObject } from "@signalbox/kernel/http";
import { hasError } from "./chunks.ts";
import { objectOf, tryParse } from "./json.ts";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;

const DATA = Buffer.from("data:");
const DONE = Buffer.from("[DONE]");
const USAGE = Buffer.from('"usage"');
const ERROR = Buffer.from('"error"');
const FINISH = Buffer.from('"finish_reason"');

/** Frames of which the end of a reply is looked for when the stream is over. */
const LAST_FRAMES = 8;

/**
 * Looks at frames on their way to the client without decoding them: errors and usage are found by byte search, and
 * only the frames that hold them are parsed. A quoted word cannot stand inside a JSON text, where quotes are escaped.
 */
export class FrameWatch {
  /** The usage chunk was asked for by the gateway, not by the client: it is taken out. */
  readonly #hideUsage: boolean;
  readonly #last: (Buffer | undefined)[] = [];
  #next = 0;
  #first: Buffer | undefined;
  #usage: JsonObject | undefined;
  #usageFrames: Buffer | undefined;
  /** An error object that the host sent in place of an answer: nothing follows it. */
  error: JsonObject | undefined;

  constructor(hideUsage: boolean) {
    this.#hideUsage = hideUsage;
  }

  /**
   * Takes whole frames; answers what the client may see of them. Undefined: nothing (comments before the first data,
   * the hidden usage). When `error` is set afterwards, it came after what is answered.
   */
  inspect(frames: Buffer): Buffer | undefined {
    const at = this.#errorAt(frames);
    if (at < 0) return this.#seen(frames);
    const from = frameStart(frames, at);
    const before = from === 0 ? undefined : frames.subarray(0, from);
    return before === undefined || !before.includes(DATA) ? undefined : this.#seen(before);
  }

  #errorAt(frames: Buffer): number {
    let next = 0;
    for (let at = frames.indexOf(ERROR); at >= 0; at = frames.indexOf(ERROR, next)) {
      next = at + 1;
      const value = valueByte(frames, at + ERROR.length);
      if (value !== OPEN_OBJECT && value !== QUOTE) continue;
      const chunk = dataAround(frames, at);
      if (chunk !== undefined && hasError(chunk)) {
        this.error = chunk;
        return at;
      }
      // each line is parsed once, however often it holds the word
      next = lineEnd(frames, at);
    }
    return -1;
  }

  #seen(frames: Buffer): Buffer | undefined {
    // A host may go on with comments after its last word.
    if (!holdsData(frames)) return this.#first === undefined ? undefined : frames;
    this.#first ??= frames;
    this.#last[this.#next] = frames;
    this.#next = (this.#next + 1) % LAST_FRAMES;
    const usageAt = lastObject(frames, USAGE);
    if (usageAt < 0) return frames;
    if (!this.#hideUsage) {
      this.#usageFrames = frames;
      return frames;
    }
    const chunk = dataAround(frames, usageAt);
    if (chunk === undefined) return frames;
    this.#usage = chunk;
    const choices = chunk["choices"];
    return Array.isArray(choices) && choices.length === 0 ? without(frames, usageAt) : frames;
  }

  /** Whether the reply came to its end: `[DONE]`, or a finish reason near the end. */
  get complete(): boolean {
    return this.#last.some((frames) => frames !== undefined && (holdsDone(frames) || finishes(frames)));
  }

  /** The last chunk that holds usage; else the first chunk. Parsed now. */
  chunk(): JsonObject | undefined {
    if (this.#usage !== undefined) return this.#usage;
    const frames = this.#usageFrames;
    if (frames !== undefined) {
      const chunk = dataAround(frames, lastObject(frames, USAGE));
      if (chunk !== undefined) return chunk;
    }
    const first = this.#first;
    return first === undefined ? undefined : dataAround(first, first.indexOf(DATA));
  }
}

/** Whether a frame is there at all: what is left are comments. */
export function holdsData(frames: Buffer): boolean {
  return frames.includes(DATA);
}

/** Whether one of the frames is `data: [DONE]`. A model may write the same word into its text. */
export function holdsDone(frames: Buffer): boolean {
  for (let at = frames.indexOf(DONE); at >= 0; at = frames.indexOf(DONE, at + 1)) {
    let from = at;
    while (frames[from - 1] === SPACE) from--;
    const line = from - DATA.length;
    if (line >= 0 && DATA.equals(frames.subarray(line, from)) && (line === 0 || isBreak(frames[line - 1]))) return true;
  }
  return false;
}

/** Position of the last `"name":{`, or -1. */
function lastObject(bytes: Buffer, name: Buffer): number {
  for (let at = bytes.lastIndexOf(name); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(name, at - 1)) {
    if (valueByte(bytes, at + name.length) === OPEN_OBJECT) return at;
  }
  return -1;
}

/** First byte of the value that follows a quoted name; -1 when it is no name of a member. */
function valueByte(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === SPACE) at++;
  if (bytes[at] !== COLON) return -1;
  at++;
  while (bytes[at] === SPACE) at++;
  return bytes[at] ?? -1;
}

function finishes(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(FINISH); at >= 0; at = bytes.indexOf(FINISH, at + 1)) {
    if (valueByte(bytes, at + FINISH.length) === QUOTE) return true;
  }
  return false;
}

function isBreak(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}

/** Where the line around a position ends. */
function lineEnd(bytes: Buffer, at: number): number {
  let to = at;
  while (to < bytes.length && !isBreak(bytes[to])) to++;
  return to;
}

/** The object in the `data:` line around a position. */
function dataAround(bytes: Buffer, at: number): JsonObject | undefined {
  let from = at;
  while (from > 0 && !isBreak(bytes[from - 1])) from--;
  const line = bytes.toString("utf8", from, lineEnd(bytes, at));
  return line.startsWith("data:") ? objectOf(tryParse(line.slice(DATA.length))) : undefined;
}

/** The bytes without the frame around a position; undefined when nothing is left. */
function without(bytes: Buffer, at: number): Buffer | undefined {
  const from = frameStart(bytes, at);
  let to = at;
  while (to < bytes.length && !(to > at && endsFrame(bytes, to) && !isBreak(bytes[to]))) to++;
  if (from === 0) return to === bytes.length ? undefined : bytes.subarray(to);
  if (to === bytes.length) return bytes.subarray(0, from);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function frameStart(bytes: Buffer, at: number): number {
  let from = at;
  while (from > 0 && !endsFrame(bytes, from)) from--;
  return from;
}

/** Whether the bytes before a position end with a blank line. */
function endsFrame(bytes: Buffer, at: number): boolean {
  const last = bytes[at - 1];
  if (!isBreak(last)) return false;
  const before = last === LF && bytes[at - 2] === CR ? at - 3 : at - 2;
  return isBreak(bytes[before]);
}
