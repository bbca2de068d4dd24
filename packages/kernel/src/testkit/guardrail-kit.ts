import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Call } from "../call.ts";
import type { ChatRequest } from "../chat/request.ts";
import type { GatewayError } from "../errors.ts";
import { isGatewayError } from "../errors.ts";
import { guardrailLayer } from "../gateway/guardrail-layer.ts";
import type { Guardrail, TextWindow } from "../guardrail.ts";
import { collectReply } from "../reply.ts";
import { checkChatEvents } from "./check-chat-events.ts";
import { assertIncludes } from "./compare.ts";
import type { Streamed, TextKind } from "./guardrail-bench.ts";
import { answer, cuts, partTexts, streamedText } from "./guardrail-bench.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";
import { testCall } from "./test-context.ts";

/** A text of the model, and what a client must get instead. */
export interface GuardedText {
  readonly text: string;
  /** Default: the text itself. */
  readonly released?: string;
  /** Default `text`. */
  readonly kind?: TextKind;
}

/** A text that ends the reply. */
export interface BlockedText {
  readonly text: string;
  /** Piece of the text that no client may see, not even before the block. */
  readonly secret: string;
  /** Of the block, if it has one. */
  readonly category?: string;
  readonly kind?: TextKind;
}

/** A request, and what becomes of it: the messages sent on, or `blocked`. */
export interface GuardedRequest {
  readonly messages: ChatRequest["messages"];
  readonly expected: ChatRequest["messages"] | "blocked";
}

/** Everything is on unless declared `false`. */
export interface GuardrailCapabilities {
  /** Off: it looks at requests only. */
  readonly replies?: boolean;
  /** Off: it changes no text. */
  readonly masks?: boolean;
  /** Off: it blocks no reply. */
  readonly blocks?: boolean;
  /** Off: it looks at replies only. */
  readonly requests?: boolean;
  /** Off: nothing outside the process can fail. */
  readonly outage?: boolean;
}

/** What `testGuardrail` needs. */
export interface GuardrailKit {
  readonly runner: Runner;
  /** Made anew for every case. */
  readonly guardrail: () => Guardrail;
  /** Harmless, and long enough to show that a stream flows. */
  readonly harmless?: string;
  readonly masked?: readonly GuardedText[];
  readonly blocked?: readonly BlockedText[];
  readonly requests?: readonly GuardedRequest[];
  /** The most characters that may be kept back while a harmless text flows (mode `window`). Default 512. */
  readonly maxHeldBack?: number;
  /** The guardrail with its service out of reach. */
  readonly unreachable?: () => Guardrail;
  readonly capabilities?: GuardrailCapabilities;
}

const HARMLESS = "The quick brown fox jumps over the lazy dog. Grüße an 世界 🌍! ".repeat(40);
const MAX_HELD_BACK = 512;
const PIECE = 16;

/** The conformance suite of guardrails: nothing depends on how a text is cut, and no way leads around a block. */
export function testGuardrail(kit: GuardrailKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  const harmless = kit.harmless ?? HARMLESS;

  cases.group("guardrail conformance", () => {
    cases.add(
      "a harmless text passes unchanged, however it is cut",
      () => checkText(kit, { text: harmless }, [...cuts(harmless)].slice(-4)),
      ["replies"],
    );
    cases.add("a harmless text flows", () => checkFlow(kit, harmless), ["replies"]);
    cases.add("texts of different choices do not touch", () => checkChoices(kit, harmless), ["replies"]);

    const masked = kit.masked ?? [];
    if (masked.length === 0) missing(cases, "masked", "masks", ["replies", "masks"]);
    for (const [index, guarded] of masked.entries()) {
      const name = `text ${index + 1} is masked alike, however it is cut`;
      cases.add(name, () => checkText(kit, guarded, cuts(guarded.text)), ["replies", "masks"]);
    }

    const blocked = kit.blocked ?? [];
    if (blocked.length === 0) missing(cases, "blocked", "blocks", ["replies", "blocks"]);
    for (const [index, one] of blocked.entries()) {
      cases.add(`text ${index + 1} is blocked, however it is cut`, () => checkBlocked(kit, one), ["replies", "blocks"]);
    }

    const requests = kit.requests ?? [];
    if (requests.length === 0) missing(cases, "requests", "requests", ["requests"]);
    for (const [index, one] of requests.entries()) {
      cases.add(`request ${index + 1} is judged`, () => checkRequest(kit, one), ["requests"]);
    }

    cases.add("a guardrail that cannot decide lets nothing pass", () => checkOutage(kit, harmless), ["outage"]);
  });
}

function missing(cases: Cases, option: string, capability: string, needs: readonly string[]): void {
  cases.add(`${option}`, () => assert.fail(`give ${option}, or declare capabilities.${capability}: false`), needs);
}

function chatCall(messages?: ChatRequest["messages"], stream: boolean = false): Call<"chat"> {
  const user = [{ role: "user", content: [{ type: "text", text: "Hello." }] }] as const;
  return testCall({ operation: "chat", request: { model: "kit", messages: messages ?? user, stream } });
}

/** A guarded reply, read to its end. */
async function through(guardrail: Guardrail, inner: Streamed) {
  const call = chatCall(undefined, inner.streamed);
  const reply = guardrailLayer(recorded(guardrail, inner)).layer(call, () => inner.reply() as never);
  return { ...(await collectReply(reply as ReturnType<typeof inner.reply>)), call };
}

/** Checks each window verdict against the contract, so that a breach is named instead of showing as an outage. */
function recorded(guardrail: Guardrail, inner: Streamed): Guardrail {
  const { checkWindow } = guardrail;
  if (checkWindow === undefined) return guardrail;
  return {
    ...guardrail,
    async checkWindow(call: Call, window: TextWindow) {
      const verdict = await checkWindow.call(guardrail, call, window);
      if (verdict.action === "release") {
        const { consume } = verdict;
        const rule = `of a window of ${window.text.length} characters, ${consume} were consumed`;
        if (!Number.isInteger(consume) || consume < 0 || consume > window.text.length) inner.breach = rule;
        if (window.final && consume !== window.text.length) inner.breach = `${rule}; a final window is consumed whole`;
      }
      return verdict;
    },
  };
}

async function checkText(kit: GuardrailKit, guarded: GuardedText, splits: Iterable<readonly string[]>): Promise<void> {
  const { text, released = text, kind = "text" } = guarded;
  const plain = answer([text], kind, false);
  const whole = await named(plain, through(kit.guardrail(), plain));
  assert.equal(partTexts(whole.result, kind)[0], released, "the plain reply");
  for (const split of splits) {
    const inner = answer(split, kind, true);
    const { events, result, call } = await named(inner, through(kit.guardrail(), inner));
    const shown = split.length > 20 ? `${split.length} pieces` : JSON.stringify(split);
    checkChatEvents(events as Parameters<typeof checkChatEvents>[0]);
    assert.equal(streamedText(events, 0, kind), released, `the stream, cut into ${shown}`);
    assert.equal(partTexts(result, kind)[0], released, `the result of the stream, cut into ${shown}`);
    if (released === text) continue;
    for (const note of call.trace.notes ?? []) {
      assert.ok(!note.text.includes(text), "the trace shows the text that was masked");
    }
  }
}

/** Names a breach of the contract rather than the outage that it causes. */
async function named<T>(inner: Streamed, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (failure) {
    if (inner.breach !== undefined) assert.fail(inner.breach);
    throw failure;
  }
}

/** In the mode `window` a stream is late by a bounded number of characters. */
async function checkFlow(kit: GuardrailKit, text: string): Promise<void> {
  const guardrail = kit.guardrail();
  const windowed = guardrail.checkWindow !== undefined && (guardrail.streaming ?? "window") === "window";
  if (!windowed) return;
  const limit = kit.maxHeldBack ?? MAX_HELD_BACK;
  const pieces = Array.from({ length: Math.ceil(text.length / PIECE) }, (_, at) =>
    text.slice(at * PIECE, (at + 1) * PIECE),
  );
  let [out, heldBack] = [0, 0];
  const inner = answer(pieces, "text", true, 1, (produced) => {
    heldBack = Math.max(heldBack, produced - out);
  });
  const reply = guardrailLayer(guardrail).layer(chatCall(undefined, true), () => inner.reply() as never);
  for await (const event of reply as ReturnType<typeof inner.reply>) {
    if (event.type === "partDelta" && event.delta.type === "text") out += event.delta.text.length;
  }
  assert.ok(text.length > 2 * limit, `the harmless text is too short to show that it flows: ${text.length} characters`);
  assert.ok(heldBack <= limit + PIECE, `up to ${heldBack} characters were kept back; the limit is ${limit}`);
  assert.equal(out, text.length);
}

async function checkChoices(kit: GuardrailKit, harmless: string): Promise<void> {
  const [one] = kit.masked ?? [];
  const text = one?.text ?? harmless.slice(0, 100);
  const released = one?.released ?? text;
  const kind = one?.kind ?? "text";
  const pieces = [...text];
  const inner = answer(pieces, kind, true, 2);
  const { events, result } = await named(inner, through(kit.guardrail(), inner));
  for (const choice of [0, 1]) {
    assert.equal(streamedText(events, choice, kind), released, `choice ${choice} of a stream of two`);
    assert.equal(partTexts(result, kind)[choice], released, `choice ${choice} of the result`);
  }
}

async function checkBlocked(kit: GuardrailKit, one: BlockedText): Promise<void> {
  const { text, secret, category, kind = "text" } = one;
  assert.ok(text.includes(secret), "a blocked text holds its secret");
  for (const split of [undefined, ...cuts(text)]) {
    const inner = answer(split ?? [text], kind, split !== undefined);
    const guardrail = kit.guardrail();
    const reply = guardrailLayer(guardrail).layer(
      chatCall(undefined, inner.streamed),
      () => inner.reply() as never,
    ) as ReturnType<typeof inner.reply>;
    let sent = "";
    const error = await thrownBy(async () => {
      for await (const event of reply) {
        if (event.type === "partDelta" && "text" in event.delta) sent += event.delta.text;
      }
    });
    assert.equal(error.code, "guardrail_blocked", `code (message: ${error.message})`);
    assert.equal(error.source, guardrail.name, "source is the guardrail's name");
    const details = { guardrail: guardrail.name, mode: "output", ...(category !== undefined && { category }) };
    assert.ok(isDeepStrictEqual(error.details, details), `details are ${JSON.stringify(error.details)}`);
    assert.ok(!sent.includes(secret), `"${secret}" was sent before the block`);
    assert.ok(!error.message.includes(secret), "the reason shows the content itself");
    assert.ok(inner.closed, "a blocked reply closes what it reads");
  }
}

async function checkRequest(kit: GuardrailKit, one: GuardedRequest): Promise<void> {
  const guardrail = kit.guardrail();
  for (const stream of [false, true]) {
    const inner = answer(["Fine."], "text", stream);
    const call = chatCall(one.messages, stream);
    let seen: ChatRequest["messages"] | undefined;
    const run = async (): Promise<void> => {
      const reply = guardrailLayer(guardrail).layer(call, (admitted) => {
        seen = admitted.request.messages;
        return inner.reply() as never;
      });
      await collectReply(reply as ReturnType<typeof inner.reply>);
    };
    if (one.expected !== "blocked") {
      await run();
      assert.deepEqual(seen, one.expected);
      continue;
    }
    const error = await thrownBy(run);
    assert.equal(error.code, "guardrail_blocked");
    assert.equal(error.source, guardrail.name);
    assertIncludes(error.details, { guardrail: guardrail.name, mode: "input" }, "details");
    assert.equal(seen, undefined, "a blocked request was passed on");
  }
}

async function checkOutage(kit: GuardrailKit, text: string): Promise<void> {
  assert.ok(kit.unreachable !== undefined, "give unreachable, or declare capabilities.outage: false");
  for (const streamed of [false, true]) {
    const guardrail = kit.unreachable();
    const inner = answer([text], "text", streamed);
    const run = through(guardrail, inner);
    if (guardrail.failOpen === true) {
      const { result, call } = await run;
      assert.equal(partTexts(result, "text")[0], text);
      assert.ok((call.trace.notes ?? []).length > 0, "failing open is noted in the trace");
      continue;
    }
    const error = await thrownBy(() => run);
    assert.equal(error.code, "guardrail_unavailable");
    assert.equal(error.source, guardrail.name);
  }
}

async function thrownBy(body: () => Promise<unknown>): Promise<GatewayError> {
  try {
    await body();
  } catch (thrown) {
    assert.ok(isGatewayError(thrown), `expected a GatewayError, got ${String(thrown)}`);
    return thrown;
  }
  throw new assert.AssertionError({ message: "it passed, but it should have been refused" });
}
