import type { Attempt, CompleteResult, NativeRequest, Reply, TransportStream } from "@signalbox/kernel";
import { completeThroughChat, nativeRequest } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { SseFrameSplitter } from "@signalbox/kernel/http";
import { matches } from "./capabilities.ts";
import { usageOf } from "./chat-result.ts";
import { isEventStream, replyOfBody } from "./chunks.ts";
import { CompletionDecoder, completeResult } from "./complete-events.ts";
import { completeBody } from "./complete-request.ts";
import { resourcePath } from "./endpoints.ts";
import { bodyFailure, incompleteStream, upstreamFailure } from "./errors.ts";
import { objectOf } from "./json.ts";
import { FrameWatch } from "./native-frames.ts";
import type { WireProfile } from "./profile.ts";
import type { WireConfig } from "./wire.ts";
import { isSuccess, whole, wireRequest } from "./wire.ts";

export const COMPLETIONS_DIALECT = "openai-completions";

/**
 * Text completions over `POST /completions`, the legacy form. Models that only answer chats are asked as chats, so
 * that old clients still get an answer.
 */
export function completeOperation(
  config: WireConfig,
  chat: (attempt: Attempt<"chat">) => Reply<"chat">,
): (attempt: Attempt<"complete">) => Reply<"complete"> {
  const { profile } = config;
  const bridge = completeThroughChat(chat);
  return function complete(attempt) {
    if (!answersCompletions(profile, attempt.upstreamModel)) return bridge(attempt);
    const native = nativeRequest(attempt, COMPLETIONS_DIALECT);
    return attempt.request.stream === true ? streamed(config, attempt, native) : plain(config, attempt, native);
  };
}

function answersCompletions(profile: WireProfile, model: string): boolean {
  if (resourcePath(profile, "complete") === null) return false;
  return profile.textCompletionModels?.some((pattern) => matches(pattern, model)) ?? true;
}

function nativeBody(
  attempt: Attempt<"complete">,
  native: NativeRequest,
  profile: WireProfile,
): {
  readonly body: Buffer;
  readonly hideUsage: boolean;
} {
  const written = objectOf(native.body.value) ?? {};
  const changes: Record<string, string | undefined> = { ...native.edits };
  if (written["model"] !== attempt.upstreamModel) changes["model"] = JSON.stringify(attempt.upstreamModel);
  const { maxOutputTokens } = attempt.request;
  // a layer may have set or lowered it
  if (maxOutputTokens !== undefined && written["max_tokens"] !== maxOutputTokens) {
    changes["max_tokens"] = String(maxOutputTokens);
  }
  const options = objectOf(written["stream_options"]);
  const hideUsage =
    attempt.request.stream === true && profile.streamOptions !== false && options?.["include_usage"] !== true;
  if (hideUsage) changes["stream_options"] = JSON.stringify({ ...options, include_usage: true });
  const { extraBody } = attempt.deployment;
  for (const name in extraBody) changes[name] = JSON.stringify(extraBody[name]);
  return { body: native.body.edit(changes), hideUsage };
}

function withNative(result: CompleteResult, body: Buffer | undefined): CompleteResult {
  const native = { dialect: COMPLETIONS_DIALECT, ...(body !== undefined && { body }) };
  return Object.defineProperty(result, "native", { value: native, enumerable: false });
}

// biome-ignore lint/correctness/useYield: a reply without events is a reply
async function* plain(
  config: WireConfig,
  attempt: Attempt<"complete">,
  native: NativeRequest | undefined,
): Reply<"complete"> {
  const { profile } = config;
  const body =
    native === undefined ? JSON.stringify(completeBody(attempt, profile)) : nativeBody(attempt, native, profile).body;
  const request = await wireRequest(config, attempt, "complete", body, native?.headers);
  const response = await attempt.transport.send(request);
  if (!isSuccess(response.status)) throw upstreamFailure(profile, response);
  const result = completeResult(replyOfBody(response.body, "choices", profile, response.headers), profile);
  return native === undefined ? result : withNative(result, response.body);
}

async function* streamed(
  config: WireConfig,
  attempt: Attempt<"complete">,
  native: NativeRequest | undefined,
): Reply<"complete"> {
  const { profile } = config;
  const asked = native === undefined ? undefined : nativeBody(attempt, native, profile);
  const body = asked?.body ?? JSON.stringify(completeBody(attempt, profile));
  const request = await wireRequest(config, attempt, "complete", body, native?.headers);
  const stream = await attempt.transport.open(request);
  try {
    if (!isSuccess(stream.status)) throw upstreamFailure(profile, await whole(stream));
    if (!isEventStream(stream.headers)) {
      const reply = await whole(stream);
      const result = completeResult(replyOfBody(reply.body, "choices", profile, reply.headers), profile);
      return native === undefined ? result : withNative(result, reply.body);
    }
    return yield* asked === undefined ? decoded(stream, profile) : forwarded(stream, profile, asked.hideUsage);
  } finally {
    stream.close();
  }
}

async function* decoded(stream: TransportStream, profile: WireProfile): Reply<"complete"> {
  const decoder = new CompletionDecoder(profile);
  for (;;) {
    const bytes = await stream.read();
    yield* decoder.events(bytes);
    if (bytes !== undefined) continue;
    if (!decoder.complete) throw incompleteStream(profile);
    return decoder.end();
  }
}

async function* forwarded(stream: TransportStream, profile: WireProfile, hideUsage: boolean): Reply<"complete"> {
  const splitter = new SseFrameSplitter();
  const watch = new FrameWatch(hideUsage);
  const decoder = new CompletionDecoder(profile);
  for (;;) {
    const bytes = await stream.read();
    const frames = bytes === undefined ? splitter.end() : splitter.push(bytes);
    if (frames !== undefined) {
      const seen = watch.inspect(frames);
      if (seen !== undefined) yield { type: "frame", dialect: COMPLETIONS_DIALECT, bytes: seen, decoder };
      if (watch.error !== undefined) throw bodyFailure(profile, watch.error, stream.headers);
    }
    if (bytes === undefined) break;
  }
  if (!watch.complete) throw incompleteStream(profile);
  const chunk = watch.chunk() ?? {};
  if (hideUsage) decoder.usage = usageOf(chunk, profile);
  return forwardedResult(chunk, profile);
}

/** One function for all results: a getter of its own would give each result a hidden class of its own. */
function contentIsGone(): never {
  throw new Error("the content of a forwarded stream is not kept: read its events to have it");
}

function forwardedResult(chunk: JsonObject, profile: WireProfile): CompleteResult {
  const { choices: _, ...known } = completeResult({ ...chunk, choices: [] }, profile);
  const result = Object.defineProperty(known, "choices", {
    get: contentIsGone,
    enumerable: false,
  });
  return withNative(result as CompleteResult, undefined);
}
