import type { CacheControl, ChatRequest, Message, Part, Tool } from "@signalbox/kernel";
import { PromptLength } from "./prompt-length.ts";

/** A place that can bear a breakpoint. */
export interface Slot {
  readonly at: { readonly tool: number } | { readonly message: number; readonly part: number };
  /** Counts up from the beginning of the prompt: tools, then messages. */
  readonly order: number;
  /** What stands before it is long enough to be cached. */
  readonly longEnough: boolean;
  /** The client has set a breakpoint here, or behind it in the same message. */
  readonly covered: boolean;
}

/** A breakpoint that the client has set. */
export interface Mark {
  readonly order: number;
  readonly long: boolean;
}

/** What of a request matters for breakpoints. */
export interface PromptLayout {
  readonly tools: Slot | undefined;
  /** The last place of each message; undefined where none can bear a breakpoint. */
  readonly messages: readonly (Slot | undefined)[];
  readonly marks: readonly Mark[];
}

/** @param atEnd a breakpoint behind everything that the request itself does not show */
export function promptLayout(request: ChatRequest, minTokens: number, atEnd: CacheControl | undefined): PromptLayout {
  const length = new PromptLength(minTokens);
  const marks: Mark[] = [];
  let order = 0;
  let tools: Slot | undefined;
  for (const [index, tool] of (request.tools ?? []).entries()) {
    order++;
    length.tool(tool);
    const control = tool.type === "function" ? tool.cacheControl : valueControl(tool);
    if (control !== undefined) marks.push({ order, long: isLong(control) });
    if (!canBear(tool)) continue;
    tools = { at: { tool: index }, order, longEnough: length.enough, covered: control !== undefined };
  }
  const end = request.cacheControl ?? atEnd;
  const messages: (Slot | undefined)[] = [];
  for (const [index, message] of request.messages.entries()) {
    let slot: Slot | undefined;
    let lastMark = -1;
    for (const [partIndex, part] of message.content.entries()) {
      order++;
      length.part(part);
      for (const control of controlsOf(part)) {
        marks.push({ order, long: isLong(control) });
        lastMark = order;
      }
      if (isBearable(part)) {
        slot = { at: { message: index, part: partIndex }, order, longEnough: length.enough, covered: false };
      }
    }
    const covered = slot !== undefined && lastMark >= slot.order;
    messages.push(slot === undefined ? undefined : { ...slot, covered });
  }
  if (end !== undefined) {
    marks.push({ order: order + 1, long: isLong(end) });
    // the provider puts it behind the last place
    const last = messages.findLastIndex((slot) => slot !== undefined);
    if (last >= 0) messages[last] = { ...(messages[last] as Slot), covered: true };
  }
  return { tools, messages, marks };
}

/** Instructions before the conversation begins. */
export function leadingInstructions(messages: readonly Message[]): number {
  const first = messages.findIndex(({ role }) => role !== "system" && role !== "developer");
  return first < 0 ? messages.length : first;
}

/** Whether a lifetime is above the usual five minutes. */
export function isLong({ ttl }: CacheControl): boolean {
  return ttl !== undefined && ttl !== "5m";
}

/** Tools that are loaded when they are needed are no part of the prompt. */
function canBear(tool: Tool): boolean {
  return tool.type === "function" && tool.extra?.["anthropic"]?.["defer_loading"] !== true;
}

/** Reasoning and empty texts cannot bear one; what only its vendor understands stays as it is. */
function isBearable(part: Part): boolean {
  switch (part.type) {
    case "text":
      return part.text.trim() !== "";
    case "image":
    case "document":
    case "toolCall":
    case "toolResult":
      return true;
    default:
      return false;
  }
}

function controlsOf(part: Part): readonly CacheControl[] {
  const controls: CacheControl[] = [];
  if (part.cacheControl !== undefined) controls.push(part.cacheControl);
  if (part.type === "toolResult") for (const each of part.content) controls.push(...controlsOf(each));
  else if (part.type === "serverTool" || part.type === "opaque") {
    const control = valueControl(part);
    if (control !== undefined) controls.push(control);
  }
  return controls;
}

/** Of something that a vendor defines itself. */
function valueControl(item: object): CacheControl | undefined {
  const { value } = item as { readonly value?: Readonly<Record<string, unknown>> };
  const control = value?.["cache_control"];
  return typeof control === "object" && control !== null ? control : undefined;
}
