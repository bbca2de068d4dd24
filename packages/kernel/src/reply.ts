import type { Call } from "./call.ts";
import type { FrameDecoder, NativeFrame } from "./native.ts";
import type { EventOf, OperationName, Reply, ResultOf } from "./operation.ts";

/** Whether an event is a frame of the native lane that nobody has read. */
export function isFrame(event: unknown): event is NativeFrame {
  return (event as { type?: unknown }).type === "frame";
}

/**
 * A reply in which every frame is decoded to events and the result is whole. Outside the native lane it is the reply
 * itself, at no cost. The kernel wraps `next` with it for every layer that reads events.
 */
export function decodeReply<Name extends OperationName>(call: Call<Name>, reply: Reply<Name>): Reply<Name> {
  return call.native === undefined ? reply : decodeFrames(reply);
}

async function* decodeFrames<Name extends OperationName>(reply: Reply<Name>): Reply<Name> {
  let decoder: FrameDecoder<EventOf<Name>, ResultOf<Name>> | undefined;
  try {
    for (;;) {
      const step = await reply.next();
      if (step.done === true) return decoder === undefined ? step.value : decoder.end();
      if (!isFrame(step.value)) {
        yield step.value;
        continue;
      }
      decoder ??= step.value.decoder as FrameDecoder<EventOf<Name>, ResultOf<Name>>;
      for (const event of decoder.push(step.value.bytes)) yield event;
    }
  } finally {
    // Returning a finished generator does nothing; an unfinished one closes its upstream here.
    await reply.return(undefined as never);
  }
}

/** What to change of a reply on its way out. */
export interface Transform<Name extends OperationName> {
  /** What to send on for one event: nothing, the same, or others. */
  event?(event: EventOf<Name>): Iterable<EventOf<Name>> | AsyncIterable<EventOf<Name>>;
  /** Events to add after the last one, before the result. */
  flush?(): Iterable<EventOf<Name>> | AsyncIterable<EventOf<Name>>;
  result?(result: ResultOf<Name>): ResultOf<Name> | Promise<ResultOf<Name>>;
}

/**
 * A reply with events and result changed on their way. Closes the inner reply when the reader leaves early or the
 * transformation throws, which iterating by hand forgets.
 */
export async function* transformReply<Name extends OperationName>(
  reply: Reply<Name>,
  transform: Transform<Name>,
): Reply<Name> {
  try {
    for (;;) {
      const step = await reply.next();
      if (step.done === true) {
        if (transform.flush !== undefined) yield* transform.flush();
        return transform.result === undefined ? step.value : await transform.result(step.value);
      }
      const events = transform.event?.(step.value);
      if (events === undefined) yield step.value;
      // `yield*` takes several turns of the queue for each one of a list.
      else if (Array.isArray(events)) for (const event of events as readonly EventOf<Name>[]) yield event;
      else yield* events;
    }
  } finally {
    await reply.return(undefined as never);
  }
}

/** Reads a reply to its end. */
export async function resultOf<Name extends OperationName>(reply: Reply<Name>): Promise<ResultOf<Name>> {
  for (;;) {
    const step = await reply.next();
    if (step.done === true) return step.value;
  }
}

/** Reads a reply to its end and keeps the events. */
export async function collectReply<Name extends OperationName>(
  reply: Reply<Name>,
): Promise<{ readonly events: readonly EventOf<Name>[]; readonly result: ResultOf<Name> }> {
  const events: EventOf<Name>[] = [];
  for (;;) {
    const step = await reply.next();
    if (step.done === true) return { events, result: step.value };
    events.push(step.value);
  }
}

// biome-ignore lint/correctness/useYield: a reply without events is a reply
async function* emptyReply<Name extends OperationName>(
  produce: () => ResultOf<Name> | Promise<ResultOf<Name>>,
): Reply<Name> {
  return await produce();
}

/** A reply without events, from a function that is called when the reply is read. */
export function replyOf<Name extends OperationName>(
  produce: () => ResultOf<Name> | Promise<ResultOf<Name>>,
): Reply<Name> {
  return emptyReply(produce);
}
