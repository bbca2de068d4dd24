import { describe, expect, it } from "vitest";
import type { ChatResult, Dialect, ReplyEncoder } from "@signalbox/kernel";
import { GatewayError, textOf } from "@signalbox/kernel";
import { SSE_HEARTBEAT, sseData } from "@signalbox/kernel/http";
import type { DialectKit } from "@signalbox/kernel/testkit";
import { testDialect } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

interface Body {
  readonly model: string;
  readonly say: string;
  readonly live?: boolean;
}

function reject(message: string, param: string): GatewayError {
  return new GatewayError("invalid_request", message, { param });
}

function checked(value: unknown): Body {
  const body = typeof value === "object" && value !== null ? (value as Partial<Body>) : {};
  if (typeof body.model !== "string") throw reject("model must be a text", "model");
  if (typeof body.say !== "string") throw reject("say must be a text", "say");
  if (body.live !== undefined && typeof body.live !== "boolean") throw reject("live must be true or false", "live");
  return body as Body;
}

/** Parrot: `{ model, say, live }` in; `{ heard }`, or frames `{ more }` and `{ over }`, out. */
function parrot(change: Partial<ReplyEncoder<"chat">> = {}, own: Partial<Dialect> = {}): Dialect {
  return {
    name: "parrot",
    routes: [
      {
        kind: "call",
        method: "POST",
        path: "/talk",
        operation: "chat",
        decode({ body }) {
          const { model, say, live } = checked(body?.value);
          return {
            request: {
              model,
              messages: [{ role: "user", content: [{ type: "text", text: say }] }],
              ...(live === true && { stream: true }),
            },
            ...(body !== undefined && { native: { dialect: "parrot", body, edits: {}, headers: [] } }),
            encoder: (call) => ({ ...encoder(call.request.stream === true), ...change }),
          };
        },
      },
    ],
    encodeError: ({ status, code, message }, id) => ({
      status,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code, message, id }),
    }),
    ...own,
  };
}

function heard(result: ChatResult): string {
  return textOf(result.choices[0]?.content ?? []);
}

function encoder(streaming: boolean): ReplyEncoder<"chat"> {
  const over = (result: ChatResult) => sseData(JSON.stringify({ over: result.choices[0]?.finishReason }));
  return {
    streaming,
    heartbeat: SSE_HEARTBEAT,
    result: (result) => ({
      status: 200,
      headers: { "content-type": "application/json; charset=utf-8" },
      body: JSON.stringify({ heard: heard(result) }),
    }),
    event(event) {
      if (event.type !== "partDelta" || event.delta.type !== "text") return undefined;
      return sseData(JSON.stringify({ more: event.delta.text }));
    },
    end(result, eventsSeen) {
      const all = eventsSeen ? "" : sseData(JSON.stringify({ more: heard(result) }));
      return `${all}${over(result)}data: END\n\n`;
    },
    error: ({ message }) => sseData(JSON.stringify({ error: message })),
  };
}

const result: ChatResult = {
  id: "r-1",
  model: "parrot-1",
  createdAt: 1_760_000_000,
  choices: [{ index: 0, content: [{ type: "text", text: "Grüß Gott 🌍" }], finishReason: "stop" }],
  usage: { inputTokens: 1, outputTokens: 3 },
};
const body = { model: "parrot-1", say: "hello" };

const kit: Omit<DialectKit, "runner"> = {
  dialect: () => parrot(),
  requests: [
    {
      name: "a text",
      route: "/talk",
      body,
      expected: { model: "parrot-1", messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }] },
    },
  ],
  invalid: [{ name: "a number to say", route: "/talk", body: { ...body, say: 7 }, param: "say" }],
  replies: [
    {
      name: "a text",
      plain: { route: "/talk", body },
      streamed: { route: "/talk", body: { ...body, live: true } },
      result,
      expected: { heard: "Grüß Gott 🌍" },
      content: ["Grüß Gott 🌍", "stop"],
    },
  ],
  read(frames) {
    const parsed = frames.filter(({ data }) => data !== "END").map(({ data }) => JSON.parse(data));
    return [parsed.map(({ more }) => more ?? "").join(""), parsed.find(({ over }) => over !== undefined)?.over];
  },
  terminator: "END",
  errors: { model_not_found: { code: "model_not_found", id: "kit-call-id" } },
};

describe("testDialect on a dialect that is right", () => {
  testDialect({ runner: { describe, it }, ...kit });
});

describe("testDialect on dialects that are wrong", () => {
  const right = encoder(true);

  function decoding(change: (value: unknown) => unknown): Dialect {
    const dialect = parrot();
    const [talk] = dialect.routes;
    if (talk?.kind !== "call" || talk.operation !== "chat") throw new Error("parrot has one call route");
    return {
      ...dialect,
      routes: [{ ...talk, decode: (request) => change(talk.decode(request)) as ReturnType<typeof talk.decode> }],
    };
  }

  const wrong: Readonly<Record<string, readonly [Partial<DialectKit>, RegExp]>> = {
    "adds to a request": [
      {
        dialect: () =>
          decoding((decoded) => ({
            ...(decoded as object),
            request: { ...(decoded as { request: object }).request, temperature: 1 },
          })),
      },
      /^request: a text$/,
    ],
    "forgets the client's bytes": [
      { dialect: () => decoding((decoded) => ({ ...(decoded as object), native: undefined })) },
      /unknown fields survive/,
    ],
    "drops fields that it does not know": [
      {
        dialect: () =>
          decoding((decoded) => {
            const { native } = decoded as { native: object };
            return { ...(decoded as object), native: { ...native, edits: { x_kit_unknown: undefined } } };
          }),
      },
      /unknown fields survive/,
    ],
    "fails on wrong types itself": [
      {
        dialect: () => ({
          ...parrot(),
          routes: [
            {
              kind: "call",
              method: "POST",
              path: "/talk",
              operation: "chat",
              decode(request) {
                const { model, say } = (request.body as { value: unknown }).value as Body;
                return {
                  request: { model, messages: [{ role: "user", content: [{ type: "text", text: say.trim() }] }] },
                  encoder: () => right,
                };
              },
            },
          ],
        }),
      },
      /wrong types/,
    ],
    "accepts what is invalid": [{ invalid: [{ name: "x", route: "/talk", body, param: "say" }] }, /^invalid: x/],
    "names another field": [
      { invalid: [{ name: "x", route: "/talk", body: { ...body, say: 7 }, param: "model" }] },
      /^invalid: x/,
    ],
    "always streams": [{ dialect: () => parrot({ streaming: true }) }, /^reply: a text$/],
    "never streams": [{ dialect: () => parrot({ streaming: false }) }, /^reply: a text, streamed$/],
    "says HTML": [
      {
        dialect: () =>
          parrot({ result: () => ({ status: 200, headers: { "content-type": "text/html" }, body: "{}" }) }),
      },
      /^reply: a text$/,
    ],
    "writes half a frame": [
      { dialect: () => parrot({ event: (event) => (event.type === "partDelta" ? "data: 1\n" : undefined) }) },
      /streamed$/,
    ],
    "sends everything at the end": [
      { dialect: () => parrot({ event: () => undefined, end: (whole) => right.end(whole, false) }) },
      /^reply: a text, streamed$/,
    ],
    "sends nothing without events": [
      { dialect: () => parrot({ end: (whole) => right.end(whole, true) }) },
      /streamed without events/,
    ],
    "repeats everything at the end": [
      { dialect: () => parrot({ end: (whole) => right.end(whole, false) }) },
      /^reply: a text, streamed$/,
    ],
    "writes bytes that are no JSON": [
      { dialect: () => parrot({ end: (whole, seen) => `data: bye\n\n${right.end(whole, seen)}` }) },
      /^reply: a text, streamed$/,
    ],
    "sends heartbeats that mean something": [
      { dialect: () => parrot({ heartbeat: 'data: {"more":"…"}\n\n' }) },
      /heartbeats/,
    ],
    "counts characters for all calls together": [
      {
        dialect() {
          let last = "";
          return parrot({
            event(event) {
              if (event.type !== "partDelta" || event.delta.type !== "text" || event.delta.text === last)
                return undefined;
              last = event.delta.text;
              return right.event(event);
            },
          });
        },
      },
      /two at the same time/,
    ],
    "ends a broken stream well": [
      { dialect: () => parrot({ error: ({ message }) => `${sseData(JSON.stringify({ message }))}data: END\n\n` }) },
      /cut by an error/,
    ],
    "hides why a stream broke": [{ dialect: () => parrot({ error: () => sseData("{}") }) }, /cut by an error/],
    "answers every error with 400": [
      {
        dialect: () =>
          parrot({}, { encodeError: (error, id) => ({ ...parrot().encodeError(error, id), status: 400 }) }),
      },
      /errors: model_not_found/,
    ],
    "shows stacks": [
      {
        dialect: () =>
          parrot(
            {},
            {
              encodeError: (error) => ({
                status: error.status,
                headers: { "content-type": "application/json" },
                body: JSON.stringify({ code: error.code, message: error.stack }),
              }),
            },
          ),
      },
      /errors: internal_error/,
    ],
    "forgets the call's id in errors": [
      { dialect: () => parrot({}, { encodeError: (error) => parrot().encodeError(error, "") }) },
      /errors: model_not_found/,
    ],
  };

  it.each(Object.entries(wrong))("catches one that %s", async (_name, [change, match]) => {
    const runner = fakeRunner();
    testDialect({ runner, ...kit, ...change });
    expect(await failuresOf(runner.cases, match)).toHaveLength(1);
  });

  it("wants cases of every kind", async () => {
    const runner = fakeRunner();
    testDialect({ runner, dialect: () => parrot(), requests: [], invalid: [], replies: [] });
    expect(await failuresOf(runner.cases, /to show/)).toEqual([
      "has requests, invalid requests, replies and errors to show: give requests",
    ]);
  });

  it("wants streams unless there are none", async () => {
    const [reply] = kit.replies;
    if (reply === undefined) throw new Error("the kit has a reply");
    const { streamed: _, ...plain } = reply;
    const runner = fakeRunner();
    testDialect({ runner, ...kit, replies: [plain] });
    expect((await failuresOf(runner.cases, /^reply: a text, streamed$/))[0]).toContain("give replies[].streamed");
    const without = fakeRunner();
    testDialect({ runner: without, ...kit, replies: [plain], capabilities: { streaming: false } });
    expect(await failuresOf(without.cases, /^reply/)).toEqual([]);
    expect(without.skipped).toContain("reply: a text, streamed (declared: no streaming)");
  });
});
