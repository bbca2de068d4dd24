import type { CacheBreakpoint, CacheControl, ChatRequest, Message } from "@signalbox/kernel";
import type { CachePoint } from "./options.ts";
import type { PromptLayout, Slot } from "./prompt-layout.ts";
import { isLong, leadingInstructions, promptLayout } from "./prompt-layout.ts";

/** What decides where breakpoints go. */
export interface PlacementRules {
  readonly points: "auto" | readonly CachePoint[];
  readonly ttl?: CachePoint["ttl"];
  /** Most breakpoints of a request, the client's own among them. */
  readonly most: number;
  /** Shorter beginnings are not cached. */
  readonly minTokens: number;
  /** A breakpoint behind everything that the deployment adds. */
  readonly atEnd?: CacheControl | undefined;
}

/** Where breakpoints go. */
export interface Placement {
  /** In the order of the prompt. */
  readonly added: readonly CacheBreakpoint[];
  /** What was wanted and is not there, and why. */
  readonly missing: readonly string[];
}

/** A point, and where it is in this request. */
interface Wish {
  readonly name: string;
  /** Undefined: there is no such place. */
  readonly slot: Slot | undefined;
  readonly ttl: CachePoint["ttl"];
  /** Nothing is missing where it is not. */
  readonly optional?: boolean;
}

interface Chosen {
  readonly slot: Slot;
  ttl: CachePoint["ttl"];
}

/**
 * Finds places for breakpoints beside those that the client has set, which stay as they are. Equal beginnings of requests
 * get equal places: what one request has written, the next one finds.
 */
export function placeBreakpoints(request: ChatRequest, rules: PlacementRules): Placement {
  const layout = promptLayout(request, rules.minTokens, rules.atEnd);
  const wishes =
    rules.points === "auto"
      ? usualWishes(request.messages, layout, rules.ttl)
      : rules.points.flatMap((point) => wishesOf(point, request.messages, layout, rules.ttl));
  const chosen: Chosen[] = [];
  const missing: string[] = [];
  let room = rules.most - layout.marks.length;
  for (const { name, slot, ttl, optional } of wishes) {
    if (slot === undefined) {
      if (optional !== true) missing.push(`${name}: there is nothing that can bear one`);
    } else if (!slot.covered && chosen.every((one) => one.slot !== slot)) {
      if (!slot.longEnough) missing.push(`${name}: less than ${rules.minTokens} tokens stand before it`);
      else if (room <= 0) missing.push(`${name}: a request has at most ${rules.most}`);
      else {
        chosen.push({ slot, ttl });
        room--;
      }
    }
  }
  chosen.sort((one, other) => one.slot.order - other.slot.order);
  alignLifetimes(chosen, layout);
  const added = chosen.map(({ slot, ttl }) => ({ ...slot.at, control: ttl === undefined ? {} : { ttl } }));
  return { added, missing };
}

/** The request with its breakpoints. */
export function withBreakpoints(request: ChatRequest, breakpoints: readonly CacheBreakpoint[]): ChatRequest {
  const messages = [...request.messages];
  const tools = request.tools === undefined ? undefined : [...request.tools];
  for (const breakpoint of breakpoints) {
    const { control: cacheControl } = breakpoint;
    if ("tool" in breakpoint) {
      const tool = tools?.[breakpoint.tool];
      if (tool?.type === "function") (tools as (typeof tool)[])[breakpoint.tool] = { ...tool, cacheControl };
      continue;
    }
    const message = messages[breakpoint.message] as Message;
    const content = message.content.map((part, index) =>
      index === breakpoint.part ? { ...part, cacheControl } : part,
    );
    messages[breakpoint.message] = { ...message, content };
  }
  return { ...request, messages, ...(tools !== undefined && { tools }) };
}

/** The most important first: what every request shares, then what the next one will find, then what this one finds. */
function usualWishes(messages: readonly Message[], layout: PromptLayout, ttl: CachePoint["ttl"]): readonly Wish[] {
  const first = leadingInstructions(messages);
  const wishes = [{ name: "system", slot: lastSlot(layout, 0, first), ttl, optional: true }];
  // a conversation that has an answer will have another; a single question may never come again
  if (messages.some(({ role }) => role === "assistant")) {
    for (const slot of turnEnds(messages, layout, first)) {
      wishes.push({ name: nameOf(slot), slot, ttl, optional: true });
    }
  }
  wishes.push({ name: "tools", slot: layout.tools, ttl, optional: true });
  return wishes;
}

function nameOf({ at }: Slot): string {
  return "tool" in at ? "tools" : `messages[${at.message}]`;
}

/** The ends of the last two stretches of messages that are not the model's, the latest first: there two requests ended. */
function turnEnds(messages: readonly Message[], layout: PromptLayout, first: number): readonly Slot[] {
  const ends: Slot[] = [];
  let to = messages.length;
  while (to > first && ends.length < 2) {
    while (to > first && messages[to - 1]?.role === "assistant") to--;
    let from = to;
    while (from > first && messages[from - 1]?.role !== "assistant") from--;
    const end = lastSlot(layout, from, to);
    if (end !== undefined) ends.push(end);
    to = from;
  }
  return ends;
}

/** The last place from one message to, exclusive, another. */
function lastSlot({ messages }: PromptLayout, from: number, to: number): Slot | undefined {
  return messages.slice(from, to).findLast((slot) => slot !== undefined);
}

function wishesOf(
  point: CachePoint,
  messages: readonly Message[],
  layout: PromptLayout,
  usualTtl: CachePoint["ttl"],
): readonly Wish[] {
  const ttl = point.ttl ?? usualTtl;
  if (point.location === "tools") return [{ name: "tools", slot: layout.tools, ttl }];
  const { role, index } = point;
  const indexes = [...messages.keys()].filter((at) => role === undefined || isOfRole(messages[at] as Message, role));
  const wishAt = (at: number): Wish => ({ name: `messages[${at}]`, slot: layout.messages[at], ttl });
  // one role may have many messages: the latest are what the next request begins with
  if (index === undefined && indexes.length > 0) return indexes.toReversed().map(wishAt);
  const found = index === undefined ? undefined : indexes.at(index);
  if (found !== undefined) return [wishAt(found)];
  const name = [role, index].filter((word) => word !== undefined).join(" ");
  return [{ name: `message ${name}`, slot: undefined, ttl }];
}

function isOfRole({ role }: Message, asked: Message["role"]): boolean {
  return role === asked || (asked === "system" && role === "developer");
}

/** A longer lifetime may not stand behind a shorter one. The client's are as they are: ours give way. */
function alignLifetimes(chosen: readonly Chosen[], { marks }: PromptLayout): void {
  let longBehind = false;
  for (const one of chosen.toReversed()) {
    const { order } = one.slot;
    const shortBefore = marks.some((mark) => !mark.long && mark.order < order);
    if (shortBefore && one.ttl === "1h") one.ttl = "5m";
    if (longBehind || marks.some((mark) => mark.long && mark.order > order)) one.ttl = "1h";
    if (isLong(one.ttl === undefined ? {} : { ttl: one.ttl })) longBehind = true;
  }
}
