import { afterEach, describe, expect, it } from "vitest";
import type { CanonicalChatEvent, ChatEvent, ChatResult, FrameDecoder, Gateway, NativeFrame } from "@signalbox/kernel";
import { forwardedChatResult, GatewayError } from "@signalbox/kernel";
import type { TestGateway, TestGatewayParts } from "./support/test-gateway.ts";
import { accounts, chatResult, deployment, REQUEST, replyStart, testGateway, textOf } from "./support/test-gateway.ts";

const open: Gateway[] = [];
const WORDS = ["Hello", " my ", "dear ", "wörld", "!"];
/** Bytes of the words so far: what a provider can have counted at most. */
const BYTES = [5, 9, 14, 20, 21];
const usage = { inputTokens: 11, outputTokens: 5 };
const INPUT = 30;
const BOUND = 1_030n;

async function start(parts: TestGatewayParts): Promise<TestGateway> {
  const started = await testGateway(parts);
  open.push(started.gateway);
  return started;
}

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

const stream = { operation: "chat", request: { ...REQUEST, stream: true } } as const;

/** The events of a stream: start, part, five deltas, end of the part, end of the choice, counts. */
const EVENTS: readonly ChatEvent[] = [replyStart(), ...textOf(WORDS), { type: "usageUpdate", usage }];

async function* streamed(events: readonly ChatEvent[] = EVENTS): AsyncGenerator<ChatEvent, ChatResult, void> {
  yield* events;
  return chatResult(usage);
}

/** What is charged when so many events were seen and no count: input as bounded, 16 unseen tokens, text by its bytes. */
function charged(events: number): bigint {
  const deltas = Math.min(Math.max(events - 2, 0), WORDS.length);
  const bytes = deltas === 0 ? 0 : (BYTES[deltas - 1] as number);
  return BigInt(INPUT + 10 * (bytes + 16));
}

describe("a stream", () => {
  it("that is read to its end costs what the provider counts", async () => {
    const started = await start({ script: () => streamed() });
    for await (const _ of started.gateway.open(stream).reply);
    expect(accounts(started)).toEqual({ unended: [], twice: [], entries: ["1 final"] });
    expect(started.ledger.entries[0]).toMatchObject({ billed: 61n, usage });
    expect(started.ledger.entries[0]?.firstEventAt).toBeGreaterThan(0);
  });

  it("left after any of its events is charged for what was seen", async () => {
    for (let seen = 1; seen <= EVENTS.length; seen++) {
      let closed = false;
      const started = await start({
        script: async function* () {
          try {
            return yield* streamed();
          } finally {
            closed = true;
          }
        },
      });
      const { reply } = started.gateway.open(stream);
      for (let at = 0; at < seen; at++) await reply.next();
      await reply.return(undefined as never);
      expect(closed).toBe(true);
      const complete = seen === EVENTS.length;
      expect(started.ledger.entries).toMatchObject([
        { status: complete ? "final" : "counted", billed: complete ? 61n : charged(seen), errorCode: "client_closed" },
      ]);
      expect(started.ledger.entries[0]?.billed).toBeLessThan(BOUND);
      expect(accounts(started)).toMatchObject({ unended: [], twice: [] });
    }
  });

  it("that breaks after any of its events is charged for what was seen", async () => {
    for (let seen = 0; seen < EVENTS.length; seen++) {
      const started = await start({
        script: async function* () {
          yield* EVENTS.slice(0, seen);
          throw new GatewayError("provider_error", "cut");
        },
      });
      const { reply } = started.gateway.open(stream);
      for (let at = 0; at < seen; at++) await reply.next();
      await expect(reply.next()).rejects.toMatchObject({ code: "provider_error" });
      expect(started.ledger.entries).toMatchObject([
        seen === 0
          ? { status: "estimated", billed: BOUND }
          : { status: "counted", billed: charged(seen), errorCode: "provider_error" },
      ]);
      expect(accounts(started)).toMatchObject({ unended: [], twice: [] });
    }
  });

  it("keeps the input that the provider told at its start", async () => {
    const started = await start({
      script: () => streamed([replyStart({ inputTokens: 9, outputTokens: 1 }), ...textOf(WORDS)]),
    });
    const { reply } = started.gateway.open(stream);
    for (let at = 0; at < 4; at++) await reply.next();
    await reply.return(undefined as never);
    expect(started.ledger.entries).toMatchObject([
      { status: "counted", usage: { inputTokens: 9, outputTokens: 9 + 16 }, billed: 259n },
    ]);
  });

  it("is never charged above its limit of tokens, nor above its estimate", async () => {
    const long = "x".repeat(500);
    const started = await start({ script: () => streamed([replyStart(), ...textOf([long])]) });
    const limited = { operation: "chat", request: { ...REQUEST, stream: true, maxOutputTokens: 40 } } as const;
    for (const [input, billed] of [
      [stream, BOUND],
      [limited, 430n],
    ] as const) {
      const { reply } = started.gateway.open(input);
      for (let at = 0; at < 3; at++) await reply.next();
      await reply.return(undefined as never);
      expect(started.ledger.entries.at(-1)).toMatchObject({ status: "counted", billed });
    }
  });

  it("of a model that may think unseen is charged its estimate, or the thinking that was allowed", async () => {
    const started = await start({
      deployments: [deployment("d", { info: { supportsReasoning: true } })],
      script: () => streamed(),
    });
    for (const [reasoning, status, billed] of [
      [undefined, "estimated", BOUND],
      [{ effort: "none" }, "counted", 190n],
      [{ mode: "enabled", budgetTokens: 20 }, "counted", 390n],
    ] as const) {
      const request = { ...REQUEST, stream: true, ...(reasoning !== undefined && { reasoning }) };
      const { reply } = started.gateway.open({ operation: "chat", request });
      await reply.next();
      await reply.return(undefined as never);
      expect(started.ledger.entries.at(-1)).toMatchObject({ status, billed });
    }
  });

  it("of sound is charged its estimate: its tokens cannot be counted", async () => {
    const started = await start({
      script: () =>
        streamed([
          replyStart(),
          { type: "partDelta", choice: 0, index: 0, delta: { type: "audio", data: "AAAA" } },
          ...textOf(WORDS),
        ]),
    });
    const { reply } = started.gateway.open(stream);
    await reply.next();
    await reply.next();
    await reply.return(undefined as never);
    expect(started.ledger.entries).toMatchObject([{ status: "estimated", billed: BOUND }]);
  });
});

/** Reads frames whose text is JSON of events, and tells how often it was asked. */
class JsonDecoder implements FrameDecoder<CanonicalChatEvent, ChatResult> {
  readonly read: string[] = [];

  push(bytes: Buffer): readonly CanonicalChatEvent[] {
    this.read.push(bytes.toString());
    return [JSON.parse(bytes.toString()) as CanonicalChatEvent];
  }

  end(): ChatResult {
    return chatResult(usage);
  }
}

async function* framed(decoder: JsonDecoder, events = EVENTS): AsyncGenerator<ChatEvent, ChatResult, void> {
  for (const event of events) {
    const bytes = Buffer.from(JSON.stringify(event));
    yield { type: "frame", dialect: "test", bytes, decoder } as NativeFrame<CanonicalChatEvent>;
  }
  return forwardedChatResult({ id: "r", model: "m-1", createdAt: 1, usage }, "test");
}

describe("frames of the native lane", () => {
  it("are not read when the stream comes to its end", async () => {
    const decoder = new JsonDecoder();
    const started = await start({ script: () => framed(decoder) });
    for await (const _ of started.gateway.open(stream).reply);
    expect(decoder.read).toEqual([]);
    expect(started.ledger.entries).toMatchObject([{ status: "final", billed: 61n }]);
  });

  it("are read once, when the caller has left", async () => {
    for (let seen = 1; seen <= EVENTS.length; seen++) {
      const decoder = new JsonDecoder();
      const started = await start({ script: () => framed(decoder) });
      const { reply } = started.gateway.open(stream);
      for (let at = 0; at < seen; at++) await reply.next();
      await reply.return(undefined as never);
      const complete = seen === EVENTS.length;
      expect(started.ledger.entries).toMatchObject([
        { status: complete ? "final" : "counted", billed: complete ? 61n : charged(seen) },
      ]);
      expect(decoder.read).toEqual(EVENTS.slice(0, seen).map((event) => JSON.stringify(event)));
    }
  });

  it("that a layer further out reads are counted as it reads them, and not again", async () => {
    for (let seen = 1; seen < EVENTS.length; seen++) {
      const decoder = new JsonDecoder();
      const started = await start({ script: () => framed(decoder) });
      const { reply } = started.gateway.open(stream);
      for (let at = 0; at < seen; at++) {
        const { value } = await reply.next();
        (value as NativeFrame).decoder.push((value as NativeFrame).bytes);
      }
      await reply.return(undefined as never);
      expect(started.ledger.entries).toMatchObject([{ status: "counted", billed: charged(seen) }]);
      expect(decoder.read).toHaveLength(seen);
    }
  });

  it("are read on the way when they are many: memory is bounded", async () => {
    const decoder = new JsonDecoder();
    const words = Array.from({ length: 3_000 }, () => "x".repeat(100));
    const events = [replyStart(), ...textOf(words)];
    const started = await start({ script: () => framed(decoder, events) });
    const { reply } = started.gateway.open({ ...stream, request: { ...stream.request, maxOutputTokens: 1_000_000 } });
    for (let at = 0; at < 2_500; at++) await reply.next();
    expect(decoder.read.length).toBeGreaterThan(500);
    await reply.return(undefined as never);
    expect(started.ledger.entries).toMatchObject([
      { status: "counted", billed: BigInt(INPUT + 10 * (100 * 2_498 + 16)) },
    ]);
    expect(decoder.read).toHaveLength(2_500);
  });

  it("that are damaged count by their bytes", async () => {
    const decoder = new JsonDecoder();
    const started = await start({
      script: async function* () {
        yield { type: "frame", dialect: "test", bytes: Buffer.from("{damaged"), decoder };
        throw new GatewayError("provider_error", "cut");
      },
    });
    const { reply } = started.gateway.open(stream);
    await reply.next();
    await expect(reply.next()).rejects.toMatchObject({ code: "provider_error" });
    expect(started.ledger.entries).toMatchObject([{ status: "counted", billed: BigInt(INPUT + 10 * (8 + 16)) }]);
  });
});
