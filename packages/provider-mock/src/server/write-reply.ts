import type { ServerResponse } from "node:http";
import type { WireReply } from "./wire-reply.ts";

const TAIL: readonly string[] = [];

/** Writes a reply at its pace: every frame is a write of its own, in a turn of its own. */
export function writeReply(response: ServerResponse, reply: WireReply, requestId: string): void {
  if (reply.slowMs === Number.POSITIVE_INFINITY) return;
  if (reply.slowMs > 0) later(response, reply.slowMs, () => begin(response, reply, requestId));
  else begin(response, reply, requestId);
}

function begin(response: ServerResponse, reply: WireReply, requestId: string): void {
  const length = reply.length === undefined ? TAIL : ["content-length", String(reply.length)];
  response.writeHead(reply.status, [...reply.headers, ...length, "x-request-id", requestId, "request-id", requestId]);
  const [only] = reply.frames;
  if (reply.frames.length <= 1 && reply.lateMs === 0 && reply.ending === "end") {
    response.end(only?.bytes);
    return;
  }
  response.socket?.setNoDelay(true);
  if (reply.lateMs === 0) writeFrames(response, reply);
  else {
    response.flushHeaders();
    later(response, reply.lateMs, () => writeFrames(response, reply));
  }
}

function writeFrames(response: ServerResponse, reply: WireReply): void {
  const { frames, gapMs } = reply;
  let at = 0;
  let deltas = 0;
  /** When the next delta is due; kept absolute, so that timers that fire late do not add up. */
  let dueAt = 0;

  function next(): void {
    if (response.destroyed) return;
    const frame = frames[at++];
    if (frame === undefined) {
      finish(response, reply);
      return;
    }
    if (frame.delta && deltas++ === 0) dueAt = performance.now();
    const drained = response.write(frame.bytes);
    if (drained) schedule();
    else response.once("drain", schedule);
  }

  function schedule(): void {
    if (gapMs > 0 && deltas > 0 && frames[at]?.delta === true) {
      dueAt += gapMs;
      later(response, dueAt - performance.now(), next);
    } else setImmediate(next);
  }

  next();
}

function finish(response: ServerResponse, reply: WireReply): void {
  if (reply.ending === "end") response.end();
  else if (reply.ending === "reset") response.socket?.resetAndDestroy();
}

/** A timer that ends with the connection. */
function later(response: ServerResponse, delayMs: number, task: () => void): void {
  const timer = setTimeout(onTime, delayMs);
  response.once("close", onClose);
  function onTime(): void {
    response.off("close", onClose);
    task();
  }
  function onClose(): void {
    clearTimeout(timer);
  }
}
