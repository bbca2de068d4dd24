import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OutageGateway } from "./outage-gateway.ts";
import { outageGateway } from "./outage-gateway.ts";
import { CLIENT_KEY } from "./scripted-gateway.ts";
import { brokenReply } from "./strict-vendors.ts";

let running: OutageGateway;
beforeEach(async () => {
  running = await outageGateway({ continueStreams: true });
});
afterEach(() => running.close());

const TOOLS: Anthropic.Tool[] = ["weather", "clothes", "route"].map((name) => ({
  name,
  description: name,
  input_schema: { type: "object" as const, properties: { city: { type: "string" } } },
}));
const QUESTION: Anthropic.MessageParam = { role: "user", content: "What do I wear in Oslo?" };

type Mode = "plain" | "streamed";

/** One turn of Anthropic's client, with thinking of a fixed budget. */
async function ask(messages: readonly Anthropic.MessageParam[], mode: Mode = "streamed"): Promise<Anthropic.Message> {
  const client = new Anthropic({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 });
  const body = {
    model: "claude",
    max_tokens: 4_000,
    thinking: { type: "enabled" as const, budget_tokens: 2_000 },
    tools: TOOLS,
    messages: [...messages],
  };
  return mode === "plain" ? await client.messages.create(body) : await client.messages.stream(body).finalMessage();
}

const said = (message: Anthropic.Message): Anthropic.MessageParam => ({ role: "assistant", content: message.content });

function result(message: Anthropic.Message, text: string): Anthropic.MessageParam {
  const call = message.content.find((block) => block.type === "tool_use");
  return { role: "user", content: [{ type: "tool_result", tool_use_id: call?.id ?? "none", content: text }] };
}

const words = (message: Anthropic.Message): string =>
  message.content.map((block) => (block.type === "text" ? block.text : "")).join("");

const SIGNED = { thinking: "Look up the weather first.", signature: "QU5USFJPUElDLVNJRy0x" };
const WEATHER = { ...SIGNED, call: { id: "toolu_01", name: "weather", input: { city: "Oslo" } } };
const CLOTHES = { call: { id: "call_7", name: "clothes", input: { city: "Oslo" } } };
const ROUTE = {
  thinking: "LOCAL THOUGHT",
  text: ["One moment."],
  call: { id: "call_local.9", name: "route", input: { city: "Oslo" } },
};

describe.each(["plain", "streamed"] as const)(
  "a conversation with tools and thinking of Anthropic's client, %s",
  (mode) => {
    it("goes from vendor to vendor within one turn, and back", async () => {
      running.set({ anthropic: WEATHER });
      const first = await ask([QUESTION], mode);
      expect(first.content).toEqual([
        { type: "thinking", ...SIGNED },
        { type: "tool_use", ...WEATHER.call },
      ]);

      // Anthropic goes down: OpenAI gets the results, and nothing of Anthropic's thinking
      running.set({ anthropic: "down", openai: CLOTHES });
      const turns = [QUESTION, said(first), result(first, "-7")];
      const second = await ask(turns, mode);
      expect(second.stop_reason).toBe("tool_use");
      expect(second.content).toMatchObject([{ type: "tool_use", ...CLOTHES.call }]);
      const [toOpenai] = running.sent("openai");
      expect(toOpenai.model).toBe("gpt-4.1");
      expect(JSON.stringify(toOpenai)).not.toContain(SIGNED.thinking);
      expect(JSON.stringify(toOpenai)).not.toContain(SIGNED.signature);
      const asked = (id: string, name: string): object => ({
        id,
        type: "function",
        function: { name, arguments: '{"city":"Oslo"}' },
      });
      expect(toOpenai.messages).toEqual([
        QUESTION,
        { role: "assistant", content: null, tool_calls: [asked("toolu_01", "weather")] },
        { role: "tool", tool_call_id: "toolu_01", content: "-7" },
      ]);

      // OpenAI goes down too
      running.set({ openai: "down", local: ROUTE });
      turns.push(said(second), result(second, "a coat"));
      const third = await ask(turns, mode);
      expect(third.content.filter(({ type }) => type !== "thinking")).toMatchObject([
        { type: "text", text: "One moment." },
        { type: "tool_use", name: "route", input: { city: "Oslo" } },
      ]);
      const [toLocal] = running.sent("local");
      expect(toLocal.model).toBe("qwen3");
      expect(JSON.stringify(toLocal)).not.toContain(SIGNED.thinking);
      expect(toLocal.messages.slice(1)).toMatchObject([
        { role: "assistant", tool_calls: [asked("toolu_01", "weather")] },
        { role: "tool", tool_call_id: "toolu_01", content: "-7" },
        { role: "assistant", tool_calls: [asked("call_7", "clothes")] },
        { role: "tool", tool_call_id: "call_7", content: "a coat" },
      ]);

      // Anthropic is back: it gets its own words as it wrote them, and nobody else's thoughts
      running.set({ anthropic: { text: ["A ", "coat."] } });
      turns.push(said(third), result(third, "by tram"));
      const last = await ask(turns, mode);
      expect(words(last)).toBe("A coat.");
      const back = running.sent("anthropic").at(-1);
      expect(back.thinking).toEqual({ type: "enabled", budget_tokens: 2_000 });
      expect(back.messages[1]).toEqual(said(first));
      expect(back.messages[3].content).toEqual([{ type: "tool_use", ...CLOTHES.call }]);
      expect(back.messages[5].content).toMatchObject([{ type: "text" }, { type: "tool_use", name: "route" }]);
      // its ids may not hold dots
      expect(back.messages[5].content[1].id).toBe("call_local_9");
      expect(back.messages[6].content[0].tool_use_id).toBe("call_local_9");
      expect(JSON.stringify(back)).not.toContain("LOCAL THOUGHT");
      expect(JSON.stringify(back)).not.toContain("signalbox.");
      expect(running.refusals).toEqual([]);
      expect(running.traces.map(({ attempts }) => attempts.map(({ deployment }) => deployment).join(""))).toEqual([
        "a",
        "ao",
        "aol",
        "a",
      ]);
    });

    it("begins a turn elsewhere and ends it at Anthropic, which then cannot think", async () => {
      running.set({ openai: CLOTHES });
      const first = await ask([QUESTION], mode);
      const turns = [QUESTION, said(first), result(first, "a coat")];
      running.set({ anthropic: { text: ["A coat."] }, openai: "down" });
      const second = await ask(turns, mode);
      expect(words(second)).toBe("A coat.");
      expect(running.sent("anthropic").at(-1).thinking).toBeUndefined();
      expect(running.traces.at(-1)?.notes?.map(({ text }) => text)).toContainEqual(
        expect.stringContaining("thinking was left out"),
      );

      // the next question is a new turn
      running.set({ anthropic: WEATHER });
      const third = await ask([...turns, said(second), { role: "user", content: "And in Rome?" }], mode);
      expect(third.content[0]).toEqual({ type: "thinking", ...SIGNED });
      expect(running.sent("anthropic").at(-1).thinking).toEqual({ type: "enabled", budget_tokens: 2_000 });
      expect(running.refusals).toEqual([]);
    });
  },
);

describe("a stream of Anthropic's client whose connection is reset", () => {
  const LONG = ["It is cold", " in Oslo,", " so take", " a warm", " coat", " with you."];
  const WHOLE = LONG.join("");
  const REPLY = { ...SIGNED, text: LONG };
  // message_start, the start of the thinking, its text, its signature and its end, the start of the text
  const TEXT_BEGINS = 6;
  const SIGNED_AFTER = 4;

  it.each([1, 2, 3, 4, 5, 6])("after %d pieces of text: the client gets one whole message", async (count) => {
    const before = LONG.slice(0, count).join("");
    running.set({
      anthropic: { exchange: brokenReply("anthropic", REPLY, TEXT_BEGINS + count) },
      openai: { text: count === LONG.length ? [] : [WHOLE.slice(before.length)] },
    });
    const message = await ask([QUESTION]);
    expect(words(message)).toBe(WHOLE);
    expect(message.content.map(({ type }) => type)).toEqual(["thinking", "text"]);
    expect(message.content[0]).toEqual({ type: "thinking", ...SIGNED });
    expect(message.stop_reason).toBe("end_turn");
    // 3 and 20 in; 1 that Anthropic had told, and 6
    expect(message.usage).toMatchObject({ input_tokens: 23, output_tokens: 7 });
    const [sent] = running.sent("openai");
    expect(sent.messages).toMatchObject([QUESTION, { role: "assistant", content: before }, { role: "user" }]);
    expect(running.traces[0]?.notes?.map(({ text }) => text)).toContain('stream continued at "o" after provider_error');
    expect(running.traces[0]?.attempts).toMatchObject([
      { deployment: "a", code: "provider_error" },
      { deployment: "o", purpose: "continuation" },
    ]);
    expect(running.refusals).toEqual([]);
  });

  it("goes on at the local server when OpenAI is down as well, and breaks once more on the way", async () => {
    running.set({
      anthropic: { exchange: brokenReply("anthropic", REPLY, TEXT_BEGINS + 2) },
      openai: { exchange: brokenReply("openai", { text: LONG.slice(2) }, 3) },
      local: { text: LONG.slice(4) },
    });
    expect(words(await ask([QUESTION]))).toBe(WHOLE);
    expect(running.sent("local")[0].messages.at(-2).content).toBe(LONG.slice(0, 4).join(""));
  });

  it.each([
    ["does not answer", 0],
    ["says nothing after its first words", 2],
  ])("goes on at the local server when OpenAI %s", async (_what, count) => {
    const more = LONG.slice(2);
    const stalled = brokenReply("openai", { text: more }, count === 0 ? 0 : 1 + count);
    const { afterBytes = 0 } = stalled.fault as { afterBytes?: number };
    running.set({
      anthropic: { exchange: brokenReply("anthropic", REPLY, TEXT_BEGINS + 2) },
      openai: {
        exchange: { ...stalled, fault: { type: "stall", afterBytes }, ...(count === 0 && { headersDelayMs: 20_000 }) },
      },
      local: { text: more.slice(count) },
    });
    const startedAt = performance.now();
    expect(words(await ask([QUESTION]))).toBe(WHOLE);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(running.traces[0]?.attempts.map(({ code }) => code)).toEqual(["provider_error", "timeout", undefined]);
  });

  it.each([1, 2, 3, 4, 5])(
    "while it thinks (event %d): another answers, and the conversation goes on",
    async (count) => {
      running.set({
        anthropic: { exchange: brokenReply("anthropic", REPLY, count) },
        openai: { text: LONG },
      });
      const first = await ask([QUESTION]);
      expect(words(first)).toBe(WHOLE);
      expect(running.sent("openai")[0].messages).toEqual([QUESTION]);
      running.set({ anthropic: { text: ["You are welcome."] } });
      const turns = [QUESTION, said(first), { role: "user" as const, content: "Thank you." }];
      expect(words(await ask(turns))).toBe("You are welcome.");
      // what was broken off before its signature would be refused for ever
      const { content } = running.sent("anthropic").at(-1).messages[1];
      expect(typeof content === "string" ? [{ type: "text", text: content }] : content).toEqual([
        ...(count < SIGNED_AFTER ? [] : [{ type: "thinking", ...SIGNED }]),
        { type: "text", text: WHOLE },
      ]);
      expect(running.refusals).toEqual([]);
    },
  );

  it("before anything came is an ordinary fallback", async () => {
    running.set({ anthropic: { exchange: brokenReply("anthropic", REPLY, 0) }, openai: { text: LONG } });
    expect(words(await ask([QUESTION]))).toBe(WHOLE);
    expect(running.traces[0]?.attempts[1]?.purpose).toBeUndefined();
  });

  it("goes on with a tool call of the other vendor, and Anthropic takes the turn back", async () => {
    running.set({
      anthropic: { exchange: brokenReply("anthropic", { text: LONG }, 4) },
      openai: { text: [LONG.slice(2).join("")], ...CLOTHES },
    });
    const first = await ask([QUESTION]);
    expect(words(first)).toBe(WHOLE);
    expect(first.content.at(-1)).toMatchObject({ type: "tool_use", ...CLOTHES.call });
    running.set({ anthropic: { text: ["Fine."] } });
    expect(words(await ask([QUESTION, said(first), result(first, "a coat")]))).toBe("Fine.");
    expect(running.refusals).toEqual([]);
  });

  it("raises an error when no option asks for more, or nobody is left", async () => {
    for (const options of [{}, { continueStreams: false }, { continueStreams: true, fallbacks: {} }]) {
      await running.close();
      running = await outageGateway(options);
      running.set({
        anthropic: { exchange: brokenReply("anthropic", REPLY, TEXT_BEGINS + 2) },
        openai: { text: LONG.slice(2) },
      });
      await expect(ask([QUESTION])).rejects.toThrow(Anthropic.APIError);
      expect(running.sent("openai")).toHaveLength(0);
    }
  });
});

describe("arguments of a tool call", () => {
  const TALK = ["Let me look.", " One moment."];
  // message_start, the text and its end, the call, its arguments in two pieces, its end
  const REPLY = { text: TALK, call: WEATHER.call };
  const CALL_BEGINS = 5;

  it.each([1, 2, 3, 4])(
    "are never put together from two models: Anthropic's client gets an error (event %d)",
    async (count) => {
      running.set({
        anthropic: { exchange: brokenReply("anthropic", REPLY, CALL_BEGINS + count) },
        openai: CLOTHES,
      });
      const seen: Anthropic.MessageStreamEvent[] = [];
      const client = new Anthropic({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 });
      const stream = client.messages.stream({ model: "claude", max_tokens: 99, tools: TOOLS, messages: [QUESTION] });
      stream.on("streamEvent", (event) => void seen.push(event));
      await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIError);
      expect(seen.some(({ type }) => type === "message_stop")).toBe(false);
      expect(running.sent("openai")).toHaveLength(0);
      expect(running.traces[0]?.notes?.at(-1)?.text).toBe(
        "stream not continued after provider_error: a part of type toolCall had begun",
      );
    },
  );

  it("of a call that has not begun come from one model", async () => {
    running.set({
      anthropic: { exchange: brokenReply("anthropic", REPLY, 4) },
      openai: CLOTHES,
    });
    const message = await ask([QUESTION]);
    expect(message.content).toEqual([
      { type: "text", text: TALK.join("") },
      { type: "tool_use", ...CLOTHES.call },
    ]);
  });
});

describe("OpenAI's client", () => {
  const LONG = ["It is cold", " in Oslo,", " so take", " a warm coat."];
  const TOOL: OpenAI.ChatCompletionTool = {
    type: "function",
    function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
  };

  interface Heard {
    text: string;
    args: string;
    finish: string | null;
    usage: OpenAI.CompletionUsage | null | undefined;
    error: unknown;
  }

  async function hear(): Promise<Heard> {
    const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
    const heard: Heard = { text: "", args: "", finish: null, usage: undefined, error: undefined };
    try {
      const stream = await client.chat.completions.create({
        model: "claude",
        messages: [{ role: "user", content: "What do I wear in Oslo?" }],
        tools: [TOOL],
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const { choices, usage } of stream) {
        heard.text += choices[0]?.delta.content ?? "";
        heard.args += choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? "";
        heard.finish = choices[0]?.finish_reason ?? heard.finish;
        heard.usage = usage ?? heard.usage;
      }
    } catch (thrown) {
      heard.error = thrown;
    }
    return heard;
  }

  it.each(["anthropic", "openai"] as const)("gets one whole text when %s's stream is reset", async (wire) => {
    const next = wire === "anthropic" ? "openai" : "local";
    running.set({
      ...(wire === "openai" && { anthropic: "down" }),
      [wire]: { exchange: brokenReply(wire, { text: LONG }, wire === "anthropic" ? 4 : 3) },
      [next]: { text: LONG.slice(2) },
    });
    const heard = await hear();
    expect(heard).toMatchObject({ text: LONG.join(""), finish: "stop", error: undefined });
    expect(heard.usage?.completion_tokens).toBe(wire === "anthropic" ? 7 : 6);
    expect(running.sent(next)[0].messages.at(-2)).toMatchObject({ role: "assistant", content: "It is cold in Oslo," });
    expect(running.refusals).toEqual([]);
  });

  it.each(["anthropic", "openai"] as const)("gets an error when it is reset within arguments (%s)", async (wire) => {
    running.set({
      ...(wire === "openai" && { anthropic: "down" }),
      [wire]: { exchange: brokenReply(wire, WEATHER_ONLY, wire === "anthropic" ? 3 : 3) },
      local: CLOTHES,
    });
    const heard = await hear();
    expect(heard.error).toBeInstanceOf(OpenAI.APIError);
    expect('{"city":"Oslo"}'.startsWith(heard.args)).toBe(true);
    expect(heard.args).not.toBe('{"city":"Oslo"}');
    expect(heard.finish).toBeNull();
    expect(running.sent("local")).toHaveLength(0);
    if (wire === "anthropic") expect(running.sent("openai")).toHaveLength(0);
  });

  it("gets an error without the option", async () => {
    await running.close();
    running = await outageGateway();
    running.set({
      anthropic: { exchange: brokenReply("anthropic", { text: LONG }, 4) },
      openai: { text: LONG.slice(2) },
    });
    const heard = await hear();
    expect(heard.error).toBeInstanceOf(OpenAI.APIError);
    expect(heard.text).toBe("It is cold in Oslo,");
  });

  const WEATHER_ONLY = { call: WEATHER.call };
});
