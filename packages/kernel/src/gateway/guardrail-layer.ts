import type { Call } from "../call.ts";
import { withRequest } from "../call.ts";
import type { CanonicalChatEvent } from "../chat/event.ts";
import { ChatFold } from "../chat/fold.ts";
import type { ChatResult } from "../chat/result.ts";
import { resultEvents } from "../chat/unfold.ts";
import { isGatewayError } from "../errors.ts";
import type { AskAgain, Guardrail, TextWindow } from "../guardrail.ts";
import type { Layer, LayerPlacement } from "../layer.ts";
import type { EventOf, OperationName, Reply, RequestOf, ResultOf } from "../operation.ts";
import type { CompleteEvent } from "../operations/complete.ts";
import type { Transform } from "../reply.ts";
import { collectReply, transformReply } from "../reply.ts";
import { blocked, guardrailFailed } from "./guardrail-error.ts";
import { checkBeside, checkRequest } from "./guardrail-request.ts";
import { guardrailRuns } from "./guardrail-selection.ts";
import { kindOf, textField, textOfDelta, toolOf, withText } from "./part-text.ts";
import { WindowedText } from "./text-window.ts";
import { timedGuardrail } from "./timed-guardrail.ts";
import { windowResult } from "./windowed-result.ts";

const OBSERVED = { dryRun: true } as const;
const APPLIED = Symbol("applied guardrails");

type Mode = "hold" | "window" | "observe";

function modeOf(guardrail: Guardrail): Mode | undefined {
  if (guardrail.checkWindow === undefined && guardrail.checkResult === undefined) return undefined;
  return guardrail.streaming ?? (guardrail.checkWindow === undefined ? "hold" : "window");
}

/**
 * A guardrail as a layer of the stage `guard`. One path for streams and plain replies: there is no way around it that
 * depends on how the client asked.
 */
export function guardrailLayer(untimed: Guardrail): LayerPlacement<Layer> {
  const guardrail = timedGuardrail(untimed);
  const mode = modeOf(guardrail);
  const runs = guardrailRuns(guardrail);
  const beside = guardrail.parallel === true && guardrail.checkRequest !== undefined;

  function guarded<Name extends OperationName>(call: Call<Name>, next: (call: Call<Name>) => Reply<Name>): Reply<Name> {
    if (!runs(call)) return next(call);
    noteApplied(call, guardrail.name);
    return guardrail.dryRun === true ? watch(guardrail, call, next(call)) : check(call, next);
  }

  async function* check<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
  ): Reply<Name> {
    const admitted = beside ? call : await checkRequest(guardrail, call);
    const reply = beside ? checkBeside(guardrail, call, next) : next(admitted);
    if (mode === undefined) return yield* reply;
    if (mode === "observe") return yield* observe(guardrail, admitted, reply);
    try {
      if (mode === "hold") return yield* hold(guardrail, admitted, reply, next);
      return yield* transformReply(reply, windowTransform(guardrail, admitted));
    } catch (thrown) {
      recordBlock(guardrail, call, thrown);
      throw thrown;
    }
  }
  Object.defineProperty(guarded, "name", { value: guardrail.name });

  return { layer: guarded, events: mode === undefined ? "pass" : "read" };
}

/** Which guardrails have looked at a call, for the client. */
function noteApplied(call: Call, name: string): void {
  const applied = call.state.get(APPLIED) as string[] | undefined;
  if (applied === undefined) call.state.set(APPLIED, [name]);
  else applied.push(name);
  call.trace.header("x-signalbox-applied-guardrails", applied?.join(",") ?? name);
}

/** A dry run: the reply passes at once, and what would have become of it is noted when it is over. */
async function* watch<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  reply: Reply<Name>,
): Reply<Name> {
  const checking = checkRequest(guardrail, call);
  const result = yield* modeOf(guardrail) === undefined ? reply : observe(guardrail, call, reply);
  await checking;
  return result;
}

/** What a check of a whole result comes to. */
interface Checked<Name extends OperationName> {
  readonly result: ResultOf<Name>;
  /** The model is to be asked once more. */
  readonly again?: AskAgain<RequestOf<Name>>;
}

/** The whole result through both kinds of check. Used where nothing has been sent yet. */
async function checkWhole<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  result: ResultOf<Name>,
  facts?: { readonly dryRun: true },
): Promise<Checked<Name>> {
  let checked = result;
  try {
    if (guardrail.checkWindow !== undefined) checked = await windowResult(guardrail, call, checked);
    if (guardrail.checkResult !== undefined) {
      const verdict = await guardrail.checkResult(call, checked);
      if (verdict.action === "again") return { result, again: verdict };
      if (verdict.action === "block") throw blocked(guardrail, verdict, "output");
      if (verdict.action === "rewrite") {
        call.trace.guard({ guardrail: guardrail.name, mode: "output", action: "masked", ...facts });
        call.trace.note("guard", `guardrail "${guardrail.name}" rewrote the reply: ${verdict.reason}`);
        checked = verdict.value;
      }
    }
  } catch (thrown) {
    guardrailFailed(guardrail, call, "output", thrown);
    return { result };
  }
  // The provider's bytes say what was there before.
  if (checked === result || !("native" in (checked as object))) return { result: checked };
  const { native: _, ...rest } = checked as { native?: unknown };
  return { result: rest as ResultOf<Name> };
}

async function* hold<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  reply: Reply<Name>,
  next: (call: Call<Name>) => Reply<Name>,
): Reply<Name> {
  let { events, result } = await collectReply(reply);
  let checked = await checkWhole(guardrail, call, result);
  if (checked.again !== undefined) {
    const { request, reason, category } = checked.again;
    const { name } = guardrail;
    call.trace.guard({
      guardrail: name,
      mode: "output",
      action: "askedAgain",
      ...(category !== undefined && { category }),
    });
    call.trace.note("guard", `guardrail "${name}" asked the model once more: ${reason}`);
    const second = withRequest(call, request);
    ({ events, result } = await collectReply(next(second)));
    checked = await checkWhole(guardrail, second, result);
    if (checked.again !== undefined) throw blocked(guardrail, { ...checked.again, action: "block" }, "output");
  }
  if (checked.result === result) yield* events;
  else if (call.operation === "chat" && events.length > 0) {
    yield* resultEvents(checked.result as ChatResult) as Iterable<EventOf<Name>>;
  }
  // Other operations' events are left out when the result changed: surfaces write streams from the result as well.
  return checked.result;
}

/** The line in the trace for a reply that this guardrail has blocked. */
function recordBlock(guardrail: Guardrail, call: Call, thrown: unknown, facts?: { readonly dryRun: true }): void {
  if (!isGatewayError(thrown) || thrown.code !== "guardrail_blocked") return;
  const { guardrail: name, mode, category } = thrown.details ?? {};
  if (name !== guardrail.name || mode !== "output") return;
  call.trace.guard({
    guardrail: guardrail.name,
    mode: "output",
    action: "blocked",
    ...(typeof category === "string" && { category }),
    ...facts,
  });
}

async function* observe<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  reply: Reply<Name>,
): Reply<Name> {
  const result = yield* reply;
  try {
    const { again } = await checkWhole(guardrail, call, result, OBSERVED);
    if (again !== undefined)
      call.trace.guard({ guardrail: guardrail.name, mode: "output", action: "askedAgain", ...OBSERVED });
  } catch (thrown) {
    recordBlock(guardrail, call, thrown, OBSERVED);
    const text = thrown instanceof Error ? thrown.message : "failed";
    call.trace.note("guard", `guardrail "${guardrail.name}" observed: ${text}`);
  }
  return result;
}

/** Streams: each part's text waits in its own window. */
function windowTransform<Name extends OperationName>(guardrail: Guardrail, call: Call<Name>): Transform<Name> {
  const windows = new Map<string, WindowedText>();
  const fold = new ChatFold();
  let streamed = false;
  let failed = false;

  const windowFor = (choice: number, index: number, kind: TextWindow["kind"], tool?: string): WindowedText => {
    const key = `${choice}/${index}`;
    let window = windows.get(key);
    if (window === undefined) {
      window = new WindowedText(guardrail, call, choice, kind, tool);
      windows.set(key, window);
    }
    return window;
  };

  /** A guardrail that is set to fail open lets the rest of the stream pass after its first failure. */
  function released(window: WindowedText, text: string, end: boolean): string | Promise<string> {
    if (failed) return text;
    try {
      const first = text === "" ? "" : window.push(text);
      if (typeof first !== "string") return later(window, first, end);
      if (!end) return first;
      const rest = window.end();
      return typeof rest === "string"
        ? first + rest
        : later(
            window,
            rest.then((each) => first + each),
            false,
          );
    } catch (thrown) {
      return passed(window, thrown);
    }
  }

  async function later(window: WindowedText, releasing: Promise<string>, end: boolean): Promise<string> {
    try {
      const first = await releasing;
      return end ? first + (await window.end()) : first;
    } catch (thrown) {
      return passed(window, thrown);
    }
  }

  function passed(window: WindowedText, thrown: unknown): string {
    guardrailFailed(guardrail, call, "output", thrown);
    failed = true;
    return window.rest();
  }

  /** Most events are pieces of text; a guardrail that answers at once makes no promise for them. */
  function chatEvent(event: CanonicalChatEvent): Iterable<CanonicalChatEvent> | AsyncIterable<CanonicalChatEvent> {
    if (event.type !== "partDelta") return otherEvent(event);
    const text = textOfDelta(event.delta);
    if (text === undefined) return sent([event]);
    const kind = event.delta.type as TextWindow["kind"];
    const out = released(windowFor(event.choice, event.index, kind), text, false);
    const send = (piece: string): CanonicalChatEvent[] => {
      if (piece === text) return sent([event]);
      return piece === "" ? [] : sent([delta(event.choice, event.index, kind, piece)]);
    };
    return typeof out === "string" ? send(out) : eachLater(out.then(send));
  }

  async function* eachLater(events: Promise<readonly CanonicalChatEvent[]>): AsyncGenerator<CanonicalChatEvent> {
    yield* await events;
  }

  function sent(events: CanonicalChatEvent[]): CanonicalChatEvent[] {
    for (const event of events) fold.push(event);
    return events;
  }

  async function* otherEvent(event: CanonicalChatEvent): AsyncGenerator<CanonicalChatEvent> {
    for await (const out of structureEvent(event)) {
      fold.push(out);
      yield out;
    }
  }

  async function* structureEvent(event: CanonicalChatEvent): AsyncGenerator<CanonicalChatEvent> {
    if (event.type === "partStart") {
      const kind = kindOf(event.part);
      if (kind === undefined) return yield event;
      const text = textField(event.part);
      yield text === "" ? event : { ...event, part: withText(event.part, "") };
      const tool = toolOf(event.part);
      const window = text === "" && tool === undefined ? undefined : windowFor(event.choice, event.index, kind, tool);
      const out = window === undefined ? "" : await released(window, text, false);
      if (out !== "") yield delta(event.choice, event.index, kind, out);
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
    event(event: EventOf<Name>): Iterable<EventOf<Name>> | AsyncIterable<EventOf<Name>> {
      streamed = true;
      if (call.operation === "chat") {
        return chatEvent(event as CanonicalChatEvent) as Iterable<EventOf<Name>> | AsyncIterable<EventOf<Name>>;
      }
      if (call.operation === "complete") return completeEvent(event as CompleteEvent) as AsyncIterable<EventOf<Name>>;
      return [event];
    },
    async result(result: ResultOf<Name>): Promise<ResultOf<Name>> {
      if (!streamed) {
        const { result: checked, again } = await checkWhole(guardrail, call, result);
        if (again !== undefined) throw blocked(guardrail, { ...again, action: "block" }, "output");
        return checked;
      }
      const whole =
        call.operation === "chat"
          ? ({ ...(result as ChatResult), choices: fold.result().choices } as ResultOf<Name>)
          : await windowResult(guardrail, call, result);
      if (guardrail.checkResult === undefined) return whole;
      try {
        const verdict = await guardrail.checkResult(call, whole);
        // What has been sent cannot be taken back or changed: anything but "allow" ends the stream with an error.
        if (verdict.action === "block") throw blocked(guardrail, verdict, "output");
        if (verdict.action !== "allow") {
          throw blocked(guardrail, { action: "block", reason: verdict.reason }, "output");
        }
      } catch (thrown) {
        guardrailFailed(guardrail, call, "output", thrown);
      }
      return whole;
    },
  };
}
