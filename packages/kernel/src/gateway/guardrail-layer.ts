import type { Call } from "../call.ts";
import { withRequest } from "../call.ts";
import type { CanonicalChatEvent, PartDelta } from "../chat/event.ts";
import { ChatFold } from "../chat/fold.ts";
import type { Part } from "../chat/part.ts";
import type { ChatResult } from "../chat/result.ts";
import { resultEvents } from "../chat/unfold.ts";
import type { Guardrail, TextWindow } from "../guardrail.ts";
import type { Layer, LayerPlacement } from "../layer.ts";
import type { EventOf, OperationName, Reply, ResultOf } from "../operation.ts";
import type { CompleteEvent, CompleteResult } from "../operations/complete.ts";
import type { Transform } from "../reply.ts";
import { collectReply, transformReply } from "../reply.ts";
import { blocked, guardrailFailed } from "./guardrail-error.ts";
import { WindowedText } from "./text-window.ts";

type Mode = "hold" | "window" | "observe";

function modeOf(guardrail: Guardrail): Mode | undefined {
  if (guardrail.checkWindow === undefined && guardrail.checkResult === undefined) return undefined;
  return guardrail.streaming ?? (guardrail.checkWindow === undefined ? "hold" : "window");
}

/**
 * A guardrail as a layer of the stage `guard`. One path for streams and plain replies: there is no way around it that
 * depends on how the client asked.
 */
export function guardrailLayer(guardrail: Guardrail): LayerPlacement<Layer> {
  const mode = modeOf(guardrail);

  async function* guarded<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
  ): Reply<Name> {
    const admitted = await checkRequest(guardrail, call);
    const reply = next(admitted);
    if (mode === undefined) return yield* reply;
    if (mode === "observe") return yield* observe(guardrail, admitted, reply);
    if (mode === "hold") return yield* hold(guardrail, admitted, reply);
    return yield* transformReply(reply, windowTransform(guardrail, admitted));
  }
  Object.defineProperty(guarded, "name", { value: guardrail.name });

  return { layer: guarded, events: mode === undefined ? "pass" : "read" };
}

async function checkRequest<Name extends OperationName>(guardrail: Guardrail, call: Call<Name>): Promise<Call<Name>> {
  if (guardrail.checkRequest === undefined) return call;
  try {
    const verdict = await guardrail.checkRequest(call);
    if (verdict.action === "block") throw blocked(guardrail, verdict, "input");
    if (verdict.action === "allow") return call;
    call.trace.note("guard", `guardrail "${guardrail.name}" rewrote the request: ${verdict.reason}`);
    return withRequest(call, verdict.value);
  } catch (thrown) {
    guardrailFailed(guardrail, call, thrown);
    return call;
  }
}

/** The whole result through both kinds of check. Used where nothing has been sent yet. */
async function checkWhole<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  result: ResultOf<Name>,
): Promise<ResultOf<Name>> {
  let checked = result;
  try {
    if (guardrail.checkWindow !== undefined) checked = await windowResult(guardrail, call, checked);
    if (guardrail.checkResult !== undefined) {
      const verdict = await guardrail.checkResult(call, checked);
      if (verdict.action === "block") throw blocked(guardrail, verdict, "output");
      if (verdict.action === "rewrite") {
        call.trace.note("guard", `guardrail "${guardrail.name}" rewrote the reply: ${verdict.reason}`);
        checked = verdict.value;
      }
    }
  } catch (thrown) {
    guardrailFailed(guardrail, call, thrown);
    return result;
  }
  // The provider's bytes say what was there before.
  if (checked === result || !("native" in (checked as object))) return checked;
  const { native: _, ...rest } = checked as { native?: unknown };
  return rest as ResultOf<Name>;
}

async function* hold<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  reply: Reply<Name>,
): Reply<Name> {
  const { events, result } = await collectReply(reply);
  const checked = await checkWhole(guardrail, call, result);
  if (checked === result) yield* events;
  else if (call.operation === "chat" && events.length > 0) {
    yield* resultEvents(checked as ChatResult) as Iterable<EventOf<Name>>;
  }
  // Other operations' events are left out when the result changed: surfaces write streams from the result as well.
  return checked;
}

async function* observe<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  reply: Reply<Name>,
): Reply<Name> {
  const result = yield* reply;
  try {
    await checkWhole(guardrail, call, result);
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : "failed";
    call.trace.note("guard", `guardrail "${guardrail.name}" observed: ${text}`);
  }
  return result;
}

function kindOf(part: Part): TextWindow["kind"] | undefined {
  switch (part.type) {
    case "text":
    case "reasoning":
    case "refusal":
      return part.type;
    case "toolCall":
      return "arguments";
    default:
      return undefined;
  }
}

function textField(part: Part): string {
  return part.type === "toolCall" ? part.arguments : (part as { text: string }).text;
}

function withText(part: Part, text: string): Part {
  return part.type === "toolCall" ? { ...part, arguments: text } : ({ ...part, text } as Part);
}

function textOfDelta(delta: PartDelta): string | undefined {
  switch (delta.type) {
    case "text":
    case "reasoning":
    case "refusal":
    case "arguments":
      return delta.text;
    default:
      return undefined;
  }
}

/** A whole text is a window that is final at once. */
async function wholeText(
  guardrail: Guardrail,
  call: Call,
  choice: number,
  kind: TextWindow["kind"],
  text: string,
): Promise<string> {
  const window = new WindowedText(guardrail, call, choice, kind);
  return (await window.push(text)) + (await window.end());
}

async function windowResult<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  result: ResultOf<Name>,
): Promise<ResultOf<Name>> {
  if (call.operation === "chat") return (await windowChat(guardrail, call, result as ChatResult)) as ResultOf<Name>;
  if (call.operation === "complete") {
    const complete = result as CompleteResult;
    const choices = await Promise.all(
      complete.choices.map(async (choice) => ({
        ...choice,
        text: await wholeText(guardrail, call, choice.index, "text", choice.text),
      })),
    );
    const same = choices.every((choice, at) => choice.text === complete.choices[at]?.text);
    return same ? result : ({ ...complete, choices } as ResultOf<Name>);
  }
  if (typeof (result as { text?: unknown }).text === "string") {
    const before = (result as { text: string }).text;
    const text = await wholeText(guardrail, call, 0, "text", before);
    return text === before ? result : { ...result, text };
  }
  return result;
}

async function windowChat(guardrail: Guardrail, call: Call, result: ChatResult): Promise<ChatResult> {
  let changed = false;
  const choices = [];
  for (const choice of result.choices) {
    const content: Part[] = [];
    let choiceChanged = false;
    for (const part of choice.content) {
      const kind = kindOf(part);
      const before = kind === undefined ? "" : textField(part);
      const after = kind === undefined ? "" : await wholeText(guardrail, call, choice.index, kind, before);
      choiceChanged ||= after !== before;
      content.push(after === before ? part : withText(part, after));
    }
    changed ||= choiceChanged;
    // Log probabilities spell out the text that was masked.
    const { logprobs: _, ...withoutLogprobs } = choice;
    choices.push(choiceChanged ? { ...withoutLogprobs, content } : choice);
  }
  return changed ? { ...result, choices } : result;
}

/** Streams: each part's text waits in its own window. */
function windowTransform<Name extends OperationName>(guardrail: Guardrail, call: Call<Name>): Transform<Name> {
  const windows = new Map<string, WindowedText>();
  const fold = new ChatFold();
  let streamed = false;
  let failed = false;

  const windowFor = (choice: number, index: number, kind: TextWindow["kind"]): WindowedText => {
    const key = `${choice}/${index}`;
    let window = windows.get(key);
    if (window === undefined) {
      window = new WindowedText(guardrail, call, choice, kind);
      windows.set(key, window);
    }
    return window;
  };

  /** A guardrail that is set to fail open lets the rest of the stream pass after its first failure. */
  async function released(window: WindowedText, text: string, end: boolean): Promise<string> {
    if (failed) return text;
    try {
      const first = text === "" ? "" : await window.push(text);
      return end ? first + (await window.end()) : first;
    } catch (thrown) {
      guardrailFailed(guardrail, call, thrown);
      failed = true;
      return window.rest();
    }
  }

  async function* chatEvent(event: CanonicalChatEvent): AsyncGenerator<CanonicalChatEvent> {
    if (event.type === "partStart") {
      const kind = kindOf(event.part);
      if (kind === undefined) return yield event;
      const text = textField(event.part);
      yield text === "" ? event : { ...event, part: withText(event.part, "") };
      const out = text === "" ? "" : await released(windowFor(event.choice, event.index, kind), text, false);
      if (out !== "") yield delta(event.choice, event.index, kind, out);
      return;
    }
    if (event.type === "partDelta") {
      const text = textOfDelta(event.delta);
      if (text === undefined) return yield event;
      const kind = event.delta.type as TextWindow["kind"];
      const out = await released(windowFor(event.choice, event.index, kind), text, false);
      if (out === text) yield event;
      else if (out !== "") yield delta(event.choice, event.index, kind, out);
      return;
    }
    if (event.type === "partEnd") yield* closeWindow(event.choice, event.index);
    if (event.type === "choiceEnd") {
      for (const key of [...windows.keys()]) {
        const [choice = 0, index = 0] = key.split("/").map(Number);
        if (choice === event.choice) yield* closeWindow(choice, index);
      }
    }
    yield event;
  }

  async function* closeWindow(choice: number, index: number): AsyncGenerator<CanonicalChatEvent> {
    const key = `${choice}/${index}`;
    const window = windows.get(key);
    if (window === undefined) return;
    windows.delete(key);
    const out = await released(window, "", true);
    if (out !== "") yield delta(choice, index, window.kind, out);
  }

  function delta(choice: number, index: number, kind: TextWindow["kind"], text: string): CanonicalChatEvent {
    return { type: "partDelta", choice, index, delta: { type: kind, text } };
  }

  const textWindow = new Map<number, WindowedText>();

  async function* completeEvent(event: CompleteEvent): AsyncGenerator<CompleteEvent> {
    if (event.type === "textDelta") {
      let window = textWindow.get(event.choice);
      if (window === undefined) {
        window = new WindowedText(guardrail, call, event.choice, "text");
        textWindow.set(event.choice, window);
      }
      const out = await released(window, event.text, false);
      if (out !== "") yield { type: "textDelta", choice: event.choice, text: out };
      return;
    }
    if (event.type === "choiceEnd") {
      const window = textWindow.get(event.choice);
      const out = window === undefined ? "" : await released(window, "", true);
      if (out !== "") yield { type: "textDelta", choice: event.choice, text: out };
    }
    yield event;
  }

  return {
    async *event(event: EventOf<Name>): AsyncGenerator<EventOf<Name>> {
      streamed = true;
      if (call.operation === "chat") {
        for await (const out of chatEvent(event as CanonicalChatEvent)) {
          fold.push(out);
          yield out as EventOf<Name>;
        }
      } else if (call.operation === "complete") {
        yield* completeEvent(event as CompleteEvent) as AsyncGenerator<EventOf<Name>>;
      } else yield event;
    },
    async result(result: ResultOf<Name>): Promise<ResultOf<Name>> {
      if (!streamed) return await checkWhole(guardrail, call, result);
      const whole =
        call.operation === "chat"
          ? ({ ...(result as ChatResult), choices: fold.result().choices } as ResultOf<Name>)
          : await windowResult(guardrail, call, result);
      if (guardrail.checkResult === undefined) return whole;
      try {
        const verdict = await guardrail.checkResult(call, whole);
        // What has been sent cannot be taken back or changed: anything but "allow" ends the stream with an error.
        if (verdict.action === "block") throw blocked(guardrail, verdict, "output");
        if (verdict.action === "rewrite") {
          throw blocked(guardrail, { action: "block", reason: verdict.reason }, "output");
        }
      } catch (thrown) {
        guardrailFailed(guardrail, call, thrown);
      }
      return whole;
    },
  };
}
