import type { CacheBreakpoint } from "./chat/breakpoint.ts";
import type { JsonBody, JsonEdits } from "./http/json-body.ts";

/**
 * A request as the client wrote it, kept beside its canonical form. A provider that speaks `dialect` sends these bytes
 * (with `edits`) instead of translating, as long as `request` is still the call's request: a layer that replaced the
 * request has thereby left the native lane.
 */
export interface NativeRequest {
  /** Name of the dialect the client spoke: `openai-chat`, `anthropic-messages`, … */
  readonly dialect: string;
  readonly request: unknown;
  readonly body: JsonBody;
  /** Members of the body that are meant for the gateway and must not travel on, and the like. */
  readonly edits: JsonEdits;
  /** Client headers that belong to the dialect and travel on: `anthropic-beta`, … Flat list of names and values. */
  readonly headers: readonly string[];
  /**
   * Edits that put breakpoints, at places of `request`, into the body, and leave every other byte as it is. Undefined:
   * the body has no such place. A dialect without breakpoints does not have it.
   */
  readonly breakpointEdits?: ((breakpoints: readonly CacheBreakpoint[]) => JsonEdits | undefined) | undefined;
}

/** Turns frames of one reply into events. Stateful: sees every frame once, in order. */
export interface FrameDecoder<Event, Result> {
  push(bytes: Buffer): readonly Event[];
  /** The folded result after the last frame. */
  end(): Result;
}

/** Whole frames of a reply in the client's own dialect, on their way to the client unread. */
export interface NativeFrame<Event = unknown, Result = unknown> {
  readonly type: "frame";
  readonly dialect: string;
  readonly bytes: Buffer;
  /** The same object for all frames of a reply. */
  readonly decoder: FrameDecoder<Event, Result>;
}

/** The body of a reply in the client's own dialect. */
export interface NativeResult {
  readonly dialect: string;
  /** The body; undefined when the reply was a stream whose frames have been forwarded. */
  readonly body?: Buffer;
}
