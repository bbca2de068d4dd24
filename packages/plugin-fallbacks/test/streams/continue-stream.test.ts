import { afterEach, describe, expect, it } from "vitest";
import type { CanonicalChatEvent, ChatRequest } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Script, StreamBench } from "./broken-streams.ts";
import { answerEvents, cut, saidIn, stream, streamBench, textIn, userMessage, wholeAnswer } from "./broken-streams.ts";
import { A, checkWhole, goesOn, LAST_OF_TEXT, PIECES, pieces, TEXT, WHOLE_A } from "./fox-answer.ts";

let bench: StreamBench | undefined;
afterEach(() => bench?.gateway.close());

async function open(scripts: Readonly<Record<string, Script>>, options = {}): Promise<StreamBench> {
  bench = await streamBench(scripts, options);
  return bench;
}

describe("a text that breaks", () => {
  const cuts = Array.from({ length: WHOLE_A.length - 1 }, (_, at) => at + 1);

  describe.each([
    ["goes on exactly", 0, 5],
    ["goes on exactly, character by character", 0, 1],
    ["goes on exactly, in one piece", 0, 1_000],
    ["repeats 20 characters", 20, 3],
    ["repeats everything", 1_000, 4],
  ])("and the next deployment %s", (_what, repeats, size) => {
    it.each(cuts)("after event %d: the client gets one whole text", async (count) => {
      const { ask, attempts } = await open({ a: () => cut(WHOLE_A, count), b: goesOn(repeats, size) });
      const heard = await ask();
      checkWhole(heard);
      const said = textIn(WHOLE_A.slice(0, count));
      // what repeats very few characters is not told from chance
      const isTold = repeats === 0 || said.length >= 12 || said === "";
      expect(heard.text).toBe(isTold || said.length >= 5 ? TEXT : said + TEXT);
      expect(heard.events[0]).toMatchObject({ type: "replyStart", id: "a", model: "model of a" });
      const complete = count > LAST_OF_TEXT;
      expect(attempts).toHaveLength(complete ? 1 : 2);
      expect(heard.result?.usage).toEqual(
        complete
          ? { inputTokens: 10, outputTokens: count > LAST_OF_TEXT + 1 ? 30 : 1 }
          : { inputTokens: 30, outputTokens: 8 },
      );
      expect(heard.result?.choices[0]).toMatchObject({ finishReason: "stop", content: [{ type: "text" }] });
      expect(heard.result?.choices[0]?.content).toHaveLength(1);
    });
  });

  it("is whole wherever it is cut, and however much is repeated", async () => {
    let said = "";
    let repeats = 0;
    const { ask } = await open({
      a: () => cut(answerEvents({ id: "a", text: [...said] }), 2 + [...said].length),
      b: (attempt) => goesOn(repeats, 3)(attempt),
    });
    const characters = [...TEXT];
    for (let length = 1; length < characters.length; length++) {
      said = characters.slice(0, length).join("");
      for (repeats of [0, 12, 40, 200]) {
        if (repeats > 0 && said.length < 12) continue;
        const heard = await ask();
        checkWhole(heard);
        expect(heard.text, `${length} characters, ${repeats} repeated`).toBe(TEXT);
      }
    }
  });

  it("is one part with one number, whose deltas go on", async () => {
    const { ask } = await open({ a: () => cut(WHOLE_A, 5), b: goesOn(0) });
    const { events } = await ask();
    const kinds = events.map((event) => event.type);
    expect(kinds.filter((type) => type === "partStart")).toHaveLength(1);
    expect(kinds.filter((type) => type === "partEnd")).toHaveLength(1);
    expect(new Set(events.flatMap((event) => ("index" in event ? [event.index] : [])))).toEqual(new Set([0]));
  });

  it("is explained in the trace, without its words", async () => {
    const { ask, gateway } = await open({ a: () => cut(WHOLE_A, 5), b: goesOn(0) });
    const { notes, records } = await ask();
    expect(notes).toEqual(['stream continued at "b" after provider_error']);
    expect(records).toMatchObject([
      { deployment: "a", code: "provider_error" },
      { deployment: "b", purpose: "continuation" },
    ]);
    expect(records[0]?.purpose).toBeUndefined();
    expect(gateway.activeCalls).toBe(0);
  });

  it("asks the next one to go on, with what was said so far", async () => {
    const { ask, attempts } = await open({ a: () => cut(WHOLE_A, 5), b: goesOn(0) });
    const messages = [userMessage("Tell me.")];
    await ask({ messages, temperature: 0.5, tools: [{ type: "function", name: "f" }] });
    const { request } = attempts[1] as { request: ChatRequest };
    expect(request).toEqual({
      model: "m",
      stream: true,
      temperature: 0.5,
      tools: [{ type: "function", name: "f" }],
      messages: [
        ...messages,
        { role: "assistant", content: [{ type: "text", text: PIECES.slice(0, 3).join("") }] },
        { role: "user", content: [{ type: "text", text: expect.stringContaining("Go on exactly where it stops") }] },
      ],
    });
    // the client's own is what it was
    expect(attempts[0]?.request.messages).toBe(messages);
  });

  it("leaves the rest of max_tokens to the continuation", async () => {
    const { ask, attempts } = await open({ a: () => cut(WHOLE_A, 8), b: goesOn(0) });
    await ask({ maxOutputTokens: 100 });
    expect(attempts[1]?.request.maxOutputTokens).toBe(100 - Math.ceil((6 * 7) / 4));
    await bench?.gateway.close();
    const short = await open({ a: () => cut(WHOLE_A, 12), b: goesOn(0) });
    await short.ask({ maxOutputTokens: 10 });
    expect(short.attempts[1]?.request.maxOutputTokens).toBe(10);
  });

  it("begins anew where nothing was said but white space", async () => {
    const blank = answerEvents({ id: "a", text: ["\n\n"] });
    const { ask, attempts } = await open({ a: () => cut(blank, 3), b: goesOn(0) });
    const messages = [userMessage("Tell me.")];
    const heard = await ask({ messages });
    checkWhole(heard);
    expect(heard.text).toBe(`\n\n${TEXT}`);
    expect(attempts[1]?.request.messages).toBe(messages);
    expect(heard.notes).toEqual(['stream begun anew at "b" after provider_error']);
  });

  it("goes on from a prefill where every deployment does", async () => {
    const { continueStreams } = await import("../../src/streams/continue-stream.ts");
    const layer = continueStreams({ supportsPrefill: ({ model }) => model === "m" });
    const { ask, attempts } = await open({ a: () => cut(WHOLE_A, 5), b: goesOn(0) }, { layer });
    await ask();
    expect(attempts[1]?.request.messages.at(-1)).toEqual({
      role: "assistant",
      content: [{ type: "text", text: PIECES.slice(0, 3).join("") }],
    });
    // not with thinking, nor after a space
    await ask({ reasoning: { effort: "low" } });
    expect(attempts[3]?.request.messages.at(-1)?.role).toBe("user");
    await bench?.gateway.close();
    const spaced = await open(
      { a: () => cut(answerEvents({ text: ["The quick ", "brown"] }), 3), b: goesOn(0) },
      { layer },
    );
    const heard = await spaced.ask();
    expect(spaced.attempts[1]?.request.messages.at(-1)?.role).toBe("user");
    expect(heard.text).toBe(TEXT);
  });

  it("may break twice more", async () => {
    const again = answerEvents({
      id: "b",
      text: pieces(TEXT.slice(21), 5),
      usage: { inputTokens: 20, outputTokens: 9 },
    });
    const { ask, attempts } = await open({
      a: () => cut(WHOLE_A, 5),
      b: () => cut(again, 4, new GatewayError("timeout", "silence", { source: "p" })),
      c: goesOn(16, 4, "c"),
    });
    const heard = await ask();
    checkWhole(heard);
    expect(heard.text).toBe(TEXT);
    expect(heard.notes).toEqual([
      'stream continued at "b" after provider_error',
      'stream continued at "c" after timeout',
    ]);
    expect(heard.records.map(({ purpose }) => purpose)).toEqual([undefined, "continuation", "continuation"]);
    // 10 + 20 + 20 in; 1 and 1 are all that the broken ones told, 7
    expect(heard.result?.usage).toEqual({ inputTokens: 50, outputTokens: 9 });
    expect(saidIn(attempts[2] as never)).toBe(TEXT.slice(0, 31));
  });

  it("but not three times", async () => {
    const broken: Script = (attempt) => {
      const said = saidIn(attempt) ?? "";
      return cut(answerEvents({ text: pieces(TEXT.slice(said.length), 14) }), 3);
    };
    const { ask, attempts } = await open({ a: broken, b: broken, c: broken, d: goesOn(0) });
    const heard = await ask();
    expect(heard.error).toMatchObject({ code: "provider_error", message: "the connection was reset" });
    expect(attempts).toHaveLength(3);
    expect(heard.text).toBe(TEXT.slice(0, 42));
    expect(heard.notes.at(-1)).toBe("stream not continued after provider_error: it broke 3 times");
  });

  it("goes on with what a provider says that streams nothing", async () => {
    const usage = { inputTokens: 20, outputTokens: 7 };
    const { ask } = await open({
      a: () => cut(WHOLE_A, 5),
      b: (attempt) => wholeAnswer(TEXT.slice((saidIn(attempt) ?? "").length), usage),
    });
    const heard = await ask();
    checkWhole(heard);
    expect(heard.text).toBe(TEXT);
    expect(heard.result?.usage).toEqual({ inputTokens: 30, outputTokens: 8 });
  });

  it("keeps all kinds of counts of both attempts", async () => {
    const a = answerEvents({ ...A, usage: { inputTokens: 10, outputTokens: 3 } });
    const counted: CanonicalChatEvent = {
      type: "usageUpdate",
      usage: { inputTokens: 10, outputTokens: 3, cacheReadTokens: 8, reportedCost: 5n },
    };
    const { ask } = await open({
      a: () => cut([...a.slice(0, 4), counted, ...a.slice(4)], 7),
      b: () =>
        stream(
          answerEvents({
            text: ["…"],
            usage: { inputTokens: 20, outputTokens: 7, cacheReadTokens: 2, reasoningTokens: 1, reportedCost: 7n },
          }),
        ),
    });
    const heard = await ask();
    checkWhole(heard);
    expect(heard.result?.usage).toEqual({
      inputTokens: 30,
      outputTokens: 10,
      cacheReadTokens: 10,
      reasoningTokens: 1,
      reportedCost: 12n,
    });
  });

  it("ends as the continuation ended", async () => {
    const { ask } = await open({
      a: () => cut(WHOLE_A, 5),
      b: () => stream(answerEvents({ text: ["rest"], finishReason: "length" })),
    });
    expect((await ask()).result?.choices[0]?.finishReason).toBe("length");
  });
});

describe("when nobody goes on", () => {
  it("the stream ends with the error of its break", async () => {
    const down: Script = () => cut([], 0, new GatewayError("provider_overloaded", "too busy", { source: "p" }));
    const { ask } = await open({ a: () => cut(WHOLE_A, 5), b: down });
    const heard = await ask();
    expect(heard.error).toMatchObject({ code: "provider_error", message: "the connection was reset" });
    expect(heard.text).toBe(TEXT.slice(0, 21));
    expect(heard.notes).toEqual(["stream not continued after provider_overloaded: nobody else could go on"]);
    expect(heard.records.map(({ deployment, code }) => [deployment, code])).toEqual([
      ["a", "provider_error"],
      ["b", "provider_overloaded"],
    ]);
  });

  it("because there is no other deployment", async () => {
    const { ask } = await open({ a: () => cut(WHOLE_A, 5) });
    const heard = await ask();
    expect(heard.error).toMatchObject({ code: "provider_error", message: "the connection was reset" });
    expect(heard.notes.at(-1)).toMatch(/nobody else could go on$/);
  });

  it("because the error says that nobody can", async () => {
    const refused = new GatewayError("content_policy_violation", "refused", { source: "p" });
    const { ask, attempts } = await open({ a: () => cut(WHOLE_A, 5, refused), b: goesOn(0) });
    const heard = await ask();
    expect(heard.error?.code).toBe("content_policy_violation");
    expect(attempts).toHaveLength(1);
  });

  it("the next but one is asked when the next does not even begin", async () => {
    const down: Script = () => cut([], 0, new GatewayError("provider_overloaded", "too busy", { source: "p" }));
    const { ask } = await open({ a: () => cut(WHOLE_A, 5), b: down, c: goesOn(0) });
    const heard = await ask();
    checkWhole(heard);
    expect(heard.text).toBe(TEXT);
    expect(heard.notes).toEqual(['stream continued at "c" after provider_error']);
  });
});

describe("ends", () => {
  /** Says something, then nothing until the signal fires. */
  const silent: (count: number) => Script = (count) => (attempt) =>
    (async function* () {
      yield* WHOLE_A.slice(0, count);
      await new Promise((_, reject) => attempt.signal.addEventListener("abort", () => reject(attempt.signal.reason)));
    })();

  it("when the caller leaves while the continuation is waited for", async () => {
    const controller = new AbortController();
    const { ask, attempts, gateway } = await open({ a: () => cut(WHOLE_A, 5), b: silent(0), c: goesOn(0) });
    setTimeout(() => controller.abort(), 50);
    const startedAt = performance.now();
    const heard = await ask({}, { signal: controller.signal });
    expect(heard.error?.code).toBe("client_closed");
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(attempts).toHaveLength(2);
    expect(attempts[1]?.signal.aborted).toBe(true);
    expect(heard.notes).toEqual([]);
    expect(gateway.activeCalls).toBe(0);
  });

  it("when the caller stops reading in the middle of the continuation: it is closed", async () => {
    let closed = 0;
    const watched: Script = () =>
      (async function* () {
        try {
          yield* answerEvents({ text: pieces(TEXT.slice(21), 2) });
        } finally {
          closed++;
        }
      })();
    const { gateway } = await open({ a: () => cut(WHOLE_A, 5), b: watched });
    const { reply } = gateway.open({
      operation: "chat",
      request: { model: "m", stream: true, messages: [userMessage("Tell me.")] },
    });
    for (let at = 0; at < 8; at++) await reply.next();
    await reply.return(undefined as never);
    expect(closed).toBe(1);
    expect(gateway.activeCalls).toBe(0);
  });

  it("when the continuation does not begin within the time that the call had", async () => {
    const { ask } = await open({ a: () => cut(WHOLE_A, 5), b: silent(0) });
    const startedAt = performance.now();
    const heard = await ask({}, { timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(heard.error).toMatchObject({ code: "provider_error", message: "the connection was reset" });
    expect(heard.records[1]?.code).toBe("timeout");
    expect(heard.notes).toEqual(["stream not continued after timeout: nobody else could go on"]);
  });

  it("but a continuation that has begun may take longer than that", async () => {
    const slow: Script = (attempt) =>
      (async function* () {
        const events = answerEvents({ text: [TEXT.slice((saidIn(attempt) ?? "").length)] });
        yield* events.slice(0, 3);
        await new Promise((resolve) => setTimeout(resolve, 200));
        yield* events.slice(3);
      })();
    const { ask } = await open({ a: () => cut(WHOLE_A, 5), b: slow });
    const heard = await ask({}, { timeoutMs: 100 });
    checkWhole(heard);
    expect(heard.text).toBe(TEXT);
  });

  it("before the first event the router goes on by itself, and nothing is a continuation", async () => {
    const { ask, attempts } = await open({ a: () => cut(WHOLE_A, 0), b: goesOn(0) });
    const heard = await ask();
    checkWhole(heard);
    expect(attempts[1]?.request).toBe(attempts[0]?.request);
    expect(heard.records[1]?.purpose).toBeUndefined();
    expect(heard.notes).toEqual([]);
  });
});

describe("layers outside", () => {
  it("see one whole reply: guardrails mask across the seam, and a cache keeps it whole", async () => {
    const kept: unknown[] = [];
    const { ask } = await open(
      { a: () => cut(WHOLE_A, 5), b: goesOn(0) },
      {
        plugins: [
          {
            name: "outside",
            cache: {
              find: async () => undefined,
              keep: async (_call: unknown, { result }: { result: unknown }) => void kept.push(result),
            },
            guardrails: [
              {
                name: "holds",
                streaming: "hold",
                checkResult: (_call: unknown, result: { choices: { content: { text: string }[] }[] }) =>
                  result.choices[0]?.content[0]?.text === TEXT
                    ? { action: "allow" }
                    : { action: "block", reason: "it is not whole" },
              },
            ],
          },
        ],
      },
    );
    const heard = await ask();
    checkWhole(heard);
    expect(kept).toMatchObject([{ choices: [{ content: [{ type: "text", text: TEXT }] }] }]);
  });
});
