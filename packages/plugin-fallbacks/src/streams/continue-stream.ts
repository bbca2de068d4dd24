import type {
  Call,
  CanonicalChatEvent,
  ChatEvent,
  ChatRequest,
  ChatResult,
  Layer,
  LayerPlacement,
  OperationName,
  Reply,
  Usage,
} from "@signalbox/kernel";
import { addUsage, decodeReply, GatewayError, resultEvents, toGatewayError, withRequest } from "@signalbox/kernel";
import { continuationRequest, whyNotContinued } from "./continuation-request.ts";
import { SaidSoFar } from "./said-so-far.ts";
import { SplicedReply } from "./spliced-reply.ts";

const MAX_CONTINUATIONS = 2;

/** Options of `continueStreams`. */
export interface ContinueStreamsOptions {
  /**
   * Whether every deployment that may go on with this call's answer does so from an assistant message at the end of the
   * request. Default: none does; they are asked in words.
   */
  supportsPrefill?(call: Call<"chat">): boolean;
}

type Next = (call: Call<"chat">) => Reply<"chat">;

/**
 * Goes on at another deployment when the stream of a chat breaks after its beginning: with an error after which another
 * deployment may succeed, and at most twice. The client sees one reply. Its text goes on where it stopped; the other
 * model is given what was said and asked to continue, and what it repeats at the seam is taken away. Reasoning that was
 * broken off ends there: no other model can take it up. The usage is that of all the attempts, as far as they told it.
 *
 * The stream fails as it would otherwise
 *
 * - once a tool call, or anything but text and reasoning, has begun: arguments are never put together from two models;
 * - for replies of several choices, with log probabilities, in JSON or with sound;
 * - when nobody else can go on; the error is that of the first break.
 *
 * A continuation has as long to begin as the call had. For the stage `cache`, as its last layer: all other layers see
 * one whole reply. It reads only the replies that it may have to continue; the others stay in the native lane.
 */
export function continueStreams(options: ContinueStreamsOptions = {}): LayerPlacement<Layer> {
  function continueStream<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
  ): Reply<Name> {
    if (call.operation !== "chat") return next(call);
    const request = call.request as ChatRequest;
    if (request.stream !== true || whyNotContinued(request) !== undefined) return next(call);
    return continued(call as Call<"chat">, next as unknown as Next, options) as Reply<Name>;
  }
  return { layer: continueStream, order: "last", events: "pass" };
}

async function* continued(call: Call<"chat">, next: Next, options: ContinueStreamsOptions): Reply<"chat"> {
  const said = new SaidSoFar();
  let rest: Rest | undefined;
  let spent: Usage | undefined;
  /** The first break is what the stream fails with, the last one is what the trace names. */
  let broke: GatewayError | undefined;
  let last: GatewayError | undefined;
  for (let continuations = 0; ; continuations++) {
    const reply = decodeReply(call, next(rest?.call ?? call));
    /** Of this attempt. */
    let usage: Usage | undefined;
    let begun = false;
    try {
      for (;;) {
        const step = await reply.next();
        if (!begun) rest?.begin(call, last as GatewayError);
        if (step.done === true) {
          if (rest === undefined) return step.value;
          for (const event of begun ? rest.splice.end() : wholeReply(rest.splice, step.value)) {
            said.push(event);
            yield event;
          }
          return { ...said.result(), usage: sum(spent, step.value.usage) };
        }
        begun = true;
        const event = canonical(step.value);
        if (event.type === "replyStart" || event.type === "usageUpdate") usage = event.usage ?? usage;
        if (rest === undefined) {
          said.push(event);
          yield event;
          continue;
        }
        for (const spliced of rest.splice.push(event)) {
          said.push(spliced);
          yield spliced;
        }
      }
    } catch (thrown) {
      // Without a beginning there was no break: the router has tried whom it could.
      if (rest === undefined && !begun) throw thrown;
      const error = toGatewayError(thrown);
      broke ??= error;
      last = error;
      spent = usage === undefined ? spent : sum(spent, usage);
      if (call.signal.aborted) throw thrown;
      if (said.ended) {
        call.trace.note("route", `the stream broke after its answer was complete: ${error.code}`);
        return { ...said.result(), ...(spent !== undefined && { usage: spent }) };
      }
      const obstacle = whyNotAgain(error, said, begun, continuations);
      if (obstacle !== undefined) {
        call.trace.note("route", `stream not continued after ${error.code}: ${obstacle}`);
        throw broke;
      }
    } finally {
      rest?.end();
      await reply.return(undefined as never);
    }
    for (const event of said.close()) yield event;
    rest = new Rest(call, said, spent, options);
  }
}

/** The attempt to get the rest of an answer. */
class Rest {
  readonly call: Call<"chat">;
  readonly splice: SplicedReply;
  readonly #anew: boolean;
  #timer: NodeJS.Timeout | undefined;

  constructor(call: Call<"chat">, said: SaidSoFar, spent: Usage | undefined, options: ContinueStreamsOptions) {
    this.#anew = said.text.trim() === "";
    const request = this.#anew
      ? call.request
      : continuationRequest(call.request, said.content, options.supportsPrefill?.(call) ?? false);
    // the deadline held until the reply began; a second one holds until the reply goes on
    const allowedMs = call.deadline - call.trace.startedAt;
    const controller = new AbortController();
    this.#timer = setTimeout(() => {
      controller.abort(new GatewayError("timeout", `the stream did not go on within ${allowedMs / 1_000} s`));
    }, allowedMs);
    this.#timer.unref();
    this.call = {
      ...withRequest(call, request),
      signal: AbortSignal.any([call.signal, controller.signal]),
      deadline: performance.now() + allowedMs,
      purpose: "continuation",
    };
    this.splice = new SplicedReply(said, spent);
  }

  /** The first news has come. */
  begin({ trace }: Call, { code }: GatewayError): void {
    clearTimeout(this.#timer);
    const running = trace.attempts.findLast(({ endedMs }) => endedMs === undefined) ?? trace.attempts.at(-1);
    const how = this.#anew ? "begun anew" : "continued";
    trace.note("route", `stream ${how} at ${JSON.stringify(running?.deployment ?? "")} after ${code}`);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function whyNotAgain(error: GatewayError, said: SaidSoFar, begun: boolean, continuations: number): string | undefined {
  if (!begun) return "nobody else could go on";
  if (!error.retryable) return "another deployment would fail as well";
  if (said.obstacle !== undefined) return said.obstacle;
  return continuations >= MAX_CONTINUATIONS ? `it broke ${continuations + 1} times` : undefined;
}

/** The rest of an answer from a provider that streams nothing. */
function* wholeReply(splice: SplicedReply, result: ChatResult): Generator<CanonicalChatEvent> {
  for (const event of resultEvents(result)) yield* splice.push(event);
}

/** Frames have been decoded before. */
function canonical(event: ChatEvent): CanonicalChatEvent {
  return event as CanonicalChatEvent;
}

function sum(one: Usage | undefined, other: Usage): Usage {
  return one === undefined ? other : addUsage(one, other);
}
