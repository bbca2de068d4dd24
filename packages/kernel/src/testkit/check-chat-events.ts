import assert from "node:assert/strict";
import type { CanonicalChatEvent, PartDelta } from "../chat/event.ts";
import type { Part } from "../chat/part.ts";
import { checkUsage } from "./check-usage.ts";

const DELTA_OF: Readonly<Record<PartDelta["type"], Part["type"] | undefined>> = {
  text: "text",
  citation: "text",
  refusal: "refusal",
  reasoning: "reasoning",
  signature: "reasoning",
  arguments: "toolCall",
  audio: "audio",
  opaque: undefined,
};

interface OpenPart {
  readonly type: Part["type"];
  ended: boolean;
}

interface OpenChoice {
  readonly parts: OpenPart[];
  ended: boolean;
}

/**
 * Checks the grammar of a streamed answer: one `replyStart`, first; parts open, grow and end in that order, numbered
 * from 0 without gaps; each choice ends once, after its parts; nothing but usage follows. Throws an `AssertionError`
 * that names the event.
 */
export function checkChatEvents(events: readonly CanonicalChatEvent[]): void {
  assert.ok(events.length > 0, "a stream has events");
  const choices = new Map<number, OpenChoice>();
  let outputTokens = 0;
  for (const [position, event] of events.entries()) {
    const where = `event ${position} (${event.type})`;
    assert.equal(event.type === "replyStart", position === 0, `${where}: the first event, and only it, is replyStart`);
    switch (event.type) {
      case "replyStart":
        assert.ok(event.id !== "", `${where}: id is empty`);
        assert.ok(event.model !== "", `${where}: model is empty`);
        checkSeconds(event.createdAt, `${where}: createdAt`);
        if (event.usage !== undefined) checkUsage(event.usage);
        break;
      case "usageUpdate":
        checkUsage(event.usage);
        assert.ok(event.usage.outputTokens >= outputTokens, `${where}: usage is cumulative, it cannot shrink`);
        outputTokens = event.usage.outputTokens;
        break;
      default:
        checkChoiceEvent(event, choices, where);
    }
  }
  assert.ok(choices.size > 0, "no choice was begun");
  for (const [index, choice] of choices) assert.ok(choice.ended, `choice ${index} has no choiceEnd`);
}

type ChoiceEvent = Exclude<CanonicalChatEvent, { readonly type: "replyStart" | "usageUpdate" }>;

function checkChoiceEvent(event: ChoiceEvent, choices: Map<number, OpenChoice>, where: string): void {
  const choice = choices.get(event.choice) ?? { parts: [], ended: false };
  choices.set(event.choice, choice);
  assert.ok(!choice.ended, `${where}: choice ${event.choice} has ended before`);
  if (event.type === "choiceEnd") {
    for (const [index, part] of choice.parts.entries()) assert.ok(part.ended, `${where}: part ${index} is still open`);
    choice.ended = true;
    return;
  }
  const part = choice.parts[event.index];
  if (event.type === "partStart") {
    assert.equal(event.index, choice.parts.length, `${where}: parts are numbered from 0 without gaps`);
    choice.parts.push({ type: event.part.type, ended: false });
    return;
  }
  assert.ok(part !== undefined, `${where}: part ${event.index} was never begun`);
  assert.ok(!part.ended, `${where}: part ${event.index} has ended before`);
  if (event.type === "partEnd") {
    part.ended = true;
    return;
  }
  const owner = DELTA_OF[event.delta.type];
  if (owner !== undefined) {
    assert.equal(part.type, owner, `${where}: a ${event.delta.type} delta cannot extend a part of type ${part.type}`);
  }
}

/** Times in replies are epoch seconds; milliseconds are the usual mistake. */
export function checkSeconds(seconds: number, what: string): void {
  assert.ok(
    Number.isInteger(seconds) && seconds >= 0 && seconds < 100_000_000_000,
    `${what} is no epoch second: ${seconds}`,
  );
}
