import { describe, expect, it } from "vitest";
import type { CallOptions, CanonicalChatEvent, ChatRequest } from "../src/index.ts";
import { collectReply, foldReply, onlyParameters } from "../src/index.ts";
import { testAttempt } from "../src/testkit/index.ts";

function attemptOf(request: Partial<ChatRequest> = {}, options: CallOptions = {}) {
  return testAttempt({
    operation: "chat",
    request: { model: "m", messages: [], ...request },
    deployment: { provider: "acme", upstreamModel: "large" },
    options,
  });
}

describe("onlyParameters", () => {
  const request = { temperature: 0.5, topK: 4, stop: ["END"], stream: true } as const;

  it("answers the request itself when all of it is taken", () => {
    const attempt = attemptOf(request);
    expect(onlyParameters(attempt, ["temperature", "topK", "stop", "seed"])).toBe(attempt.request);
  });

  it("refuses what is not taken, by the client's name", () => {
    expect(() => onlyParameters(attemptOf(request), ["temperature", "stop"])).toThrow(
      expect.objectContaining({
        code: "unsupported_parameter",
        param: "top_k",
        source: "acme",
        message:
          '"top_k" is not supported by model "large" of provider "acme"; remove it, or set "drop_params": true to have it left out',
      }),
    );
  });

  it("leaves it out and says so, if wished", () => {
    const attempt = attemptOf(request, { dropParams: true });
    expect(onlyParameters(attempt, ["temperature"])).toEqual({
      model: "m",
      messages: [],
      temperature: 0.5,
      stream: true,
    });
    expect(attempt.trace.droppedParams).toEqual(["top_k", "stop"]);
  });

  it("keeps what is allowed on purpose", () => {
    const attempt = attemptOf(request, { allowedParams: ["top_k"], dropParams: true });
    expect(onlyParameters(attempt, ["temperature"])).toMatchObject({ topK: 4 });
    expect(attempt.trace.droppedParams).toEqual(["stop"]);
  });

  it("drops what is to be dropped in any case", () => {
    const attempt = attemptOf({ temperature: 0.5 }, { additionalDropParams: ["temperature"] });
    expect(onlyParameters(attempt, ["temperature"])).not.toHaveProperty("temperature");
    expect(attempt.trace.droppedParams).toEqual(["temperature"]);
  });
});

const EVENTS: readonly CanonicalChatEvent[] = [
  { type: "replyStart", id: "r-1", model: "large", createdAt: 1_760_000_000 },
  { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } },
  { type: "partDelta", choice: 0, index: 0, delta: { type: "text", text: "Ho" } },
  { type: "partEnd", choice: 0, index: 0 },
  { type: "choiceEnd", choice: 0, finishReason: "stop" },
  { type: "usageUpdate", usage: { inputTokens: 2, outputTokens: 1 } },
];

describe("foldReply", () => {
  async function* from(events: readonly CanonicalChatEvent[], closed: () => void = () => {}) {
    try {
      yield* events;
    } finally {
      closed();
    }
  }

  it("passes the events on and answers what they fold to", async () => {
    const { events, result } = await collectReply(foldReply(attemptOf(), from(EVENTS)));
    expect(events).toEqual(EVENTS);
    expect(result).toEqual({
      id: "r-1",
      model: "large",
      createdAt: 1_760_000_000,
      choices: [{ index: 0, content: [{ type: "text", text: "Ho" }], finishReason: "stop" }],
      usage: { inputTokens: 2, outputTokens: 1 },
    });
  });

  it.each([0, 1, 2, 3, 4])("fails when only the first %i events come", async (count) => {
    const reply = foldReply(attemptOf(), from(EVENTS.slice(0, count)));
    for (let seen = 0; seen < count; seen++) expect(await reply.next()).toEqual({ done: false, value: EVENTS[seen] });
    await expect(reply.next()).rejects.toMatchObject({
      code: "provider_error",
      source: "acme",
      message: 'provider "acme" ended its answer too early',
    });
  });

  it("closes the events when the reader leaves early, and begins none that nobody reads", async () => {
    let closed = 0;
    const reply = foldReply(
      attemptOf(),
      from(EVENTS, () => closed++),
    );
    await reply.next();
    expect(closed).toBe(0);
    await reply.return(undefined as never);
    expect(closed).toBe(1);
    const unread = foldReply(
      attemptOf(),
      // biome-ignore lint/correctness/useYield: it must not begin
      (async function* () {
        throw new Error("begun");
      })(),
    );
    await unread.return(undefined as never);
  });
});
