import type { CacheBreakpoint, ChatRequest } from "@signalbox/kernel";
import type { JsonBody, JsonEdits, JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import type { JsonPlace } from "./json-places.ts";
import { elementPlaces, memberPlaces } from "./json-places.ts";
import { cacheControlBlock } from "./request-parts.ts";

type Member = "tools" | "system" | "messages";

/** Where a breakpoint goes in the client's body. */
interface Target {
  readonly member: Member;
  /** Index of the message; undefined outside of `messages`. */
  readonly message?: number;
  /** Index of the tool or block. */
  readonly block: number;
}

interface Splice extends JsonPlace {
  readonly text: string;
}

/**
 * Edits that put `cache_control` into a Messages request as its client wrote it: what stands between the new members stays
 * byte for byte. `request` is what the body means, and the breakpoints' places are its.
 */
export function breakpointEdits(
  body: JsonBody,
  request: ChatRequest,
  breakpoints: readonly CacheBreakpoint[],
): JsonEdits | undefined {
  const splices = new Map<Member, Splice[]>();
  const texts = new Map<Member, string>();
  for (const breakpoint of breakpoints) {
    const target = targetOf(body.value as JsonObject, request, breakpoint);
    const text = target && (texts.get(target.member) ?? body.memberText(target.member));
    if (target === undefined || text === undefined) return undefined;
    texts.set(target.member, text);
    const spliced = spliceAt(text, target, JSON.stringify(cacheControlBlock(breakpoint.control)));
    if (spliced === undefined) return undefined;
    splices.set(target.member, [...(splices.get(target.member) ?? []), spliced]);
  }
  const edits: Record<string, string> = {};
  for (const [member, list] of splices) edits[member] = applied(texts.get(member) as string, list);
  return edits;
}

function targetOf(body: JsonObject, { messages }: ChatRequest, breakpoint: CacheBreakpoint): Target | undefined {
  if ("tool" in breakpoint) return { member: "tools", block: breakpoint.tool };
  const { message, part } = breakpoint;
  const written = Array.isArray(body.messages) ? (body.messages as readonly unknown[]) : [];
  // one message of the body may have become several, for its tool results
  let at = 0;
  if (hasSystem(body)) {
    if (message === 0) return { member: "system", block: part };
    at = 1;
  }
  for (const [index, each] of written.entries()) {
    const content = isJsonObject(each) ? each.content : undefined;
    const blocks = Array.isArray(content) ? content.length : 1;
    let passed = 0;
    do {
      if (at === message) return { member: "messages", message: index, block: passed + part };
      passed += messages[at]?.content.length ?? blocks;
      at++;
    } while (passed < blocks);
  }
  return undefined;
}

/** As the request's first message was made of it. */
function hasSystem({ system }: JsonObject): boolean {
  return system !== undefined && system !== null && system !== "";
}

function spliceAt(text: string, { member, message, block }: Target, control: string): Splice | undefined {
  let content: JsonPlace | undefined = { start: 0, end: text.length };
  if (member === "messages") {
    const place = elementPlaces(text, 0)[message as number];
    content = place && memberPlaces(text, place.start).findLast(({ name }) => name === "content");
  }
  if (content === undefined) return undefined;
  const { start, end } = content;
  if (text[start] === '"') {
    const whole = `[{"type":"text","text":${text.slice(start, end)},"cache_control":${control}}]`;
    return block === 0 ? { start, end, text: whole } : undefined;
  }
  const found = elementPlaces(text, start)[block];
  if (found === undefined) return undefined;
  const members = memberPlaces(text, found.start);
  // null says the same as nothing
  const own = members.findLast(({ name }) => name === "cache_control");
  if (own !== undefined) return { start: own.start, end: own.end, text: control };
  const last = members.at(-1)?.end;
  return last === undefined ? undefined : { start: last, end: last, text: `,"cache_control":${control}` };
}

function applied(text: string, splices: readonly Splice[]): string {
  let result = "";
  let at = 0;
  for (const splice of splices.toSorted((one, other) => one.start - other.start)) {
    result += text.slice(at, splice.start) + splice.text;
    at = splice.end;
  }
  return result + text.slice(at);
}
