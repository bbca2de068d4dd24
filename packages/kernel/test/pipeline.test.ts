import { afterEach, describe, expect, it } from "vitest";
import type {
  CanonicalChatEvent,
  ChatEvent,
  FrameDecoder,
  Gateway,
  Layer,
  NativeRequest,
  Plugin,
} from "@signalbox/kernel";
import { collectReply, createGateway, nativeRequest, transformReply, withRequest } from "@signalbox/kernel";
import { JsonBody } from "@signalbox/kernel/http";
import { sayText, scripted, textEvents, textResult } from "./support/scripted-provider.ts";

const open: Gateway[] = [];

async function gatewayOf(plugins: readonly Plugin[]): Promise<Gateway> {
  const gateway = await createGateway({ plugins });
  open.push(gateway);
  return gateway;
}

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

function noting(log: string[], name: string): Layer {
  return async function* noted(call, next) {
    log.push(`${name} in`);
    const result = yield* next(call);
    log.push(`${name} out`);
    return result;
  };
}

describe("the order of layers", () => {
  it("is edge, admit, guard, cache, attempt, whatever the plugins' order of keys", async () => {
    const log: string[] = [];
    const gateway = await gatewayOf([
      {
        name: "a",
        layers: {
          attempt: noting(log, "attempt") as never,
          cache: noting(log, "cache"),
          guard: noting(log, "guard"),
          admit: noting(log, "admit"),
          edge: noting(log, "edge"),
        },
        providers: [
          scripted("shop", (attempt) => {
            log.push("provider");
            return sayText(attempt, "hi");
          }),
        ],
      },
    ]);
    await gateway.chat({ model: "shop/m", messages: [] });
    const stages = ["edge", "admit", "guard", "cache", "attempt"];
    expect(log).toEqual([
      ...stages.map((stage) => `${stage} in`),
      "provider",
      ...stages.toReversed().map((stage) => `${stage} out`),
    ]);
  });

  it("within a stage is the plugins' order, but for first and last", async () => {
    const log: string[] = [];
    const gateway = await gatewayOf([
      { name: "a", layers: { edge: { layer: noting(log, "a"), order: "last" } } },
      { name: "b", layers: { edge: [noting(log, "b1"), noting(log, "b2")] } },
      { name: "c", layers: { edge: { layer: noting(log, "c"), order: "first" } } },
      { name: "vendors", providers: [scripted("shop", (attempt) => sayText(attempt, "hi"))] },
    ]);
    await gateway.chat({ model: "shop/m", messages: [] });
    expect(log.slice(0, 4)).toEqual(["c in", "b1 in", "b2 in", "a in"]);
    const explained = await gateway.explain({ operation: "chat", request: { model: "shop/m", messages: [] } });
    expect(explained.layers.map(({ plugin }) => plugin)).toEqual(["c", "b", "b", "a"]);
  });

  it("runs attempt layers once per try and the others once per call", async () => {
    const log: string[] = [];
    const flaky = scripted("flaky", () => {
      throw new Error("not reached: operations are generators");
    });
    const { GatewayError } = await import("@signalbox/kernel");
    const bad = {
      ...flaky,
      operations: {
        // biome-ignore lint/correctness/useYield: fails before its first event
        async *chat() {
          throw new GatewayError("provider_error", "down");
        },
      },
    };
    const gateway = await createGateway({
      plugins: [
        {
          name: "p",
          layers: { edge: noting(log, "edge"), attempt: noting(log, "attempt") as never },
          providers: [bad as never, scripted("shop", (attempt) => sayText(attempt, "hi"))],
        },
      ],
      deployments: [
        { id: "1", model: "m", provider: "flaky", upstreamModel: "m" },
        { id: "2", model: "m", provider: "shop", upstreamModel: "m" },
      ],
    });
    open.push(gateway);
    await gateway.chat({ model: "m", messages: [] });
    expect(log).toEqual(["edge in", "attempt in", "attempt in", "attempt out", "edge out"]);
  });
});

/** Frames of an invented dialect: the bytes of one frame are one piece of text. */
class PieceDecoder implements FrameDecoder<CanonicalChatEvent, ReturnType<typeof textResult>> {
  readonly #pieces: string[] = [];

  push(bytes: Buffer): readonly CanonicalChatEvent[] {
    this.#pieces.push(bytes.toString());
    return [{ type: "partDelta", choice: 0, index: 0, delta: { type: "text", text: bytes.toString() } }];
  }

  end(): ReturnType<typeof textResult> {
    return textResult(this.#pieces.join(""));
  }
}

const native = scripted("shop", async function* (attempt) {
  if (nativeRequest(attempt, "pieces") === undefined) {
    yield* textEvents(["translated"]);
    return textResult("translated");
  }
  const decoder = new PieceDecoder();
  for (const piece of ["na", "tive"]) yield { type: "frame", dialect: "pieces", bytes: Buffer.from(piece), decoder };
  return { ...textResult(""), choices: [] };
});

async function nativeCall(gateway: Gateway): Promise<{ events: readonly ChatEvent[]; result: unknown; lane?: string }> {
  const request = { model: "shop/m", messages: [], stream: true };
  const lane: NativeRequest = { dialect: "pieces", request, body: JsonBody.of(request), edits: {}, headers: [] };
  const opened = gateway.open({ operation: "chat", request, native: lane });
  const read = await collectReply(opened.reply);
  const attempt = opened.call.trace.attempts[0];
  return { ...read, ...(attempt !== undefined && { lane: attempt.lane }) };
}

describe("the native lane", () => {
  it("forwards frames unread when no layer reads events", async () => {
    const passing: Layer = async function* passing(call, next) {
      return yield* next(call);
    };
    const gateway = await gatewayOf([
      { name: "p", providers: [native], layers: { edge: { layer: passing, events: "pass" } } },
    ]);
    const { events, lane } = await nativeCall(gateway);
    expect(events.map((event) => (event.type === "frame" ? event.bytes.toString() : event.type))).toEqual([
      "na",
      "tive",
    ]);
    expect(lane).toBe("native");
  });

  it("shows decoded events and the whole result to a layer that reads, and to all outside it", async () => {
    const seen: string[] = [];
    const reading: Layer = (call, next) =>
      transformReply(next(call), {
        *event(event) {
          seen.push((event as ChatEvent).type);
          yield event;
        },
      });
    const gateway = await gatewayOf([{ name: "p", providers: [native], layers: { edge: reading } }]);
    const { events, result } = await nativeCall(gateway);
    expect(seen).toEqual(["partDelta", "partDelta"]);
    expect(events.some((event) => event.type === "frame")).toBe(false);
    expect(result).toEqual(textResult("native"));
  });

  it("is left when a layer replaces the request", async () => {
    const rewriting: Layer = (call, next) => next(withRequest(call, { ...call.request }));
    const gateway = await gatewayOf([
      { name: "p", providers: [native], layers: { guard: { layer: rewriting, events: "pass" } } },
    ]);
    const { result, lane } = await nativeCall(gateway);
    expect(result).toEqual(textResult("translated"));
    expect(lane).toBe("translated");
  });
});
