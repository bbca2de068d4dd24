import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { Call } from "../call.ts";
import type { ChatRequest } from "../chat/request.ts";
import { GatewayError, isGatewayError } from "../errors.ts";
import { guardrailLayer } from "../gateway/guardrail-layer.ts";
import type { RemoteGuardrailOptions } from "../guardrail/remote/remote-options.ts";
import type { Guardrail } from "../guardrail.ts";
import { createTransport } from "../http/index.ts";
import type { Principal } from "../principal.ts";
import { collectReply } from "../reply.ts";
import type { Exchange } from "./exchange.ts";
import { answer, partTexts } from "./guardrail-bench.ts";
import type { ReplayHandler, ReplayServer, SentRequest } from "./replay-server.ts";
import { refusedUrl, replayServer } from "./replay-server.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";
import { testCall } from "./test-context.ts";

/** What `testRemoteGuardrail` needs. */
export interface RemoteGuardrailKit {
  readonly runner: Runner;
  /** The service in its documented format: refuses what it does not know with a status of 4xx. */
  readonly service: ReplayHandler;
  /** The guardrail at an address, with more options. */
  readonly guardrail: (url: string, options: Partial<RemoteGuardrailOptions>) => Guardrail;
  /** The service has nothing against it. */
  readonly harmless?: string;
  /** The service finds something in it. */
  readonly blocked: string;
  /** Piece of it that nobody may see. */
  readonly secret: string;
  /** Of the block. */
  readonly category: string;
  /** Credentials of the guardrail: they may only be sent to the service. */
  readonly credentials: readonly string[];
  /** JSON of a wrong shape. Default: an object with a member that no service has. */
  readonly wrongShape?: unknown;
  /** Off: it keeps no answers unless told so. */
  readonly caches?: boolean;
}

const HARMLESS = "Grüße aus 東京 👋🏽, как дела? All is well.";
const CLIENT: Principal = { id: "key-1", kind: "key", admin: false, models: ["*"], alias: "mobile", teamId: "team-1" };

/** The conformance suite of guardrails that ask a service: closed or open exactly as declared, and nothing leaks. */
export function testRemoteGuardrail(kit: RemoteGuardrailKit): void {
  const cases = new Cases(kit.runner, { caches: kit.caches });
  const harmless = kit.harmless ?? HARMLESS;

  cases.group("remote guardrail conformance", () => {
    cases.add("asks the service, and lets pass what it has nothing against", async () => {
      await served(kit, kit.service, {}, async (guardrail, server) => {
        for (const streamed of [false, true]) {
          const { text, seen, call } = await run(guardrail, harmless, harmless, streamed);
          assert.equal(text, harmless);
          assert.deepEqual(seen, messages(harmless));
          assert.ok((call.trace.questions ?? []).length > 0, "the trace tells of the question");
          for (const question of call.trace.questions ?? []) {
            assert.equal(question.guardrail, guardrail.name);
            assert.ok(question.endedMs >= question.startedMs, "a question takes time");
          }
          assertHidden(call.trace, [harmless, ...kit.credentials], "the trace");
        }
        assert.ok(server.sent.length > 0, "the service was asked");
      });
    });

    cases.add("blocks a request and a reply that the service finds something in", async () => {
      await served(kit, kit.service, { action: "block" }, async (guardrail, server) => {
        for (const [request, reply, mode] of [
          [kit.blocked, harmless, "input"],
          [harmless, kit.blocked, "output"],
        ] as const) {
          for (const streamed of [false, true]) {
            const { error, call, text } = await refused(guardrail, request, reply, streamed);
            assert.equal(error.code, "guardrail_blocked", error.message);
            assert.deepEqual(error.details, { guardrail: guardrail.name, mode, category: kit.category });
            assertHidden(error, [kit.secret, ...kit.credentials], "the error");
            assertHidden(call.trace, [kit.secret, ...kit.credentials], "the trace");
            assert.ok(!text.includes(kit.secret), "it was sent before the block");
          }
        }
        for (const request of server.sent) assertNoClient(request, kit.credentials);
      });
    });

    cases.add("flags, and sends elsewhere, what it is told to", async () => {
      await served(kit, kit.service, { action: "flag" }, async (guardrail) => {
        const { call, seen, text } = await run(guardrail, kit.blocked, kit.blocked, true);
        assert.deepEqual(seen, messages(kit.blocked));
        assert.equal(text, kit.blocked);
        const flagged = (call.trace.guarded ?? []).map(({ action, mode, category }) => [action, mode, category]);
        assert.deepEqual(new Set(flagged.map(String)), new Set(sides(kit.category)));
      });
      await served(kit, kit.service, { action: { reroute: "strict" }, mode: "before" }, async (guardrail) => {
        const { model } = await run(guardrail, kit.blocked, harmless, false);
        assert.equal(model, "strict");
      });
    });

    cases.add("a dry run only says what it would do", async () => {
      await served(kit, kit.service, { action: "block", dryRun: true }, async (guardrail) => {
        const { text, call } = await run(guardrail, kit.blocked, harmless, true);
        assert.equal(text, harmless);
        assert.ok((call.trace.guarded ?? []).some(({ action, dryRun }) => action === "blocked" && dryRun === true));
      });
    });

    for (const [name, service] of Object.entries(failures(kit))) {
      for (const onUnavailable of ["closed", "open"] as const) {
        cases.add(`${name}: ${onUnavailable}`, async () => {
          const options = { onUnavailable, timeoutMs: 150, breaker: false } as const;
          await served(kit, service, options, (guardrail) => checkOutage(kit, guardrail, onUnavailable));
        });
      }
    }

    cases.add("a service that fails again and again is left alone, and asked again later", async () => {
      let broken = true;
      const handler: ReplayHandler = (request, index) => (broken ? { status: 500 } : kit.service(request, index));
      const options = { breaker: { failures: 2, pauseMs: 200 }, mode: "before", cache: false } as const;
      await served(kit, handler, options, async (guardrail, server) => {
        for (let time = 0; time < 4; time++) {
          assert.equal((await refused(guardrail, harmless, harmless, false)).error.code, "guardrail_unavailable");
        }
        assert.equal(server.sent.length, 2, "questions to a service that fails");
        broken = false;
        await new Promise((resolve) => setTimeout(resolve, 220));
        assert.equal((await run(guardrail, harmless, harmless, false)).text, harmless);
      });
    });

    cases.add("what was answered is not asked again", async () => {
      await served(kit, kit.service, { mode: "before", action: "block", cache: {} }, async (guardrail, server) => {
        for (let time = 0; time < 3; time++) {
          await run(guardrail, harmless, harmless, false);
          await refused(guardrail, kit.blocked, harmless, false);
        }
        assert.equal(server.sent.length, 2, "one question for each text");
      });
    });

    cases.add("a caller that leaves ends the question, and says nothing about the service", async () => {
      const slow: ReplayHandler = async (request, index) => ({
        ...(await kit.service(request, index)),
        headersDelayMs: 3_000,
      });
      await served(kit, slow, { timeoutMs: 5_000 }, async (guardrail, server) => {
        const controller = new AbortController();
        const running = refused(guardrail, harmless, harmless, false, controller.signal);
        const request = await server.received(0);
        controller.abort(new GatewayError("client_closed", "the client left"));
        assert.equal((await running).error.code, "client_closed");
        assert.equal(await request.ended, "clientClosed");
      });
    });
  });
}

function failures(kit: RemoteGuardrailKit): Readonly<Record<string, ReplayHandler | "down">> {
  const fixed =
    (exchange: Exchange): ReplayHandler =>
    () =>
      exchange;
  return {
    slow: async (request, index) => ({ ...(await kit.service(request, index)), headersDelayMs: 2_000 }),
    down: "down",
    "status 500": fixed({ status: 500, body: { error: kit.credentials[0] ?? "broken" } }),
    "status 401": fixed({ status: 401, body: { error: "who are you?" } }),
    "an HTML page": fixed({ bodyText: "<html>sorry</html>", contentType: "text/html" }),
    "JSON of another shape": fixed({ body: kit.wrongShape ?? { unexpected: true } }),
    "an answer that is cut off": fixed({ body: { cut: "x".repeat(400) }, fault: { type: "truncate" } }),
  };
}

async function checkOutage(kit: RemoteGuardrailKit, guardrail: Guardrail, declared: "closed" | "open"): Promise<void> {
  const harmless = kit.harmless ?? HARMLESS;
  for (const streamed of [false, true]) {
    const startedAt = performance.now();
    if (declared === "open") {
      const { text, call } = await run(guardrail, harmless, harmless, streamed);
      assert.equal(text, harmless);
      assert.ok(
        (call.trace.notes ?? []).some((note) => note.text.includes("fail open")),
        "the trace tells of it",
      );
      const opened = (call.trace.guarded ?? []).filter(({ action }) => action === "failedOpen");
      assert.ok(opened.length > 0, "the records of the trace tell of it");
      assertHidden(call.trace, kit.credentials, "the trace");
    } else {
      const { error, call } = await refused(guardrail, harmless, harmless, streamed);
      assert.equal(error.code, "guardrail_unavailable");
      assert.equal(error.status, 503);
      assert.equal(error.source, guardrail.name);
      assertHidden(error, [harmless, ...kit.credentials], "the error");
      assertHidden(call.trace, [harmless, ...kit.credentials], "the trace");
      const reasons = (call.trace.questions ?? []).map(({ outcome }) => outcome);
      assert.ok(reasons.includes("failed"), "the trace tells of the question that failed");
    }
    assert.ok(performance.now() - startedAt < 1_500, "it took longer than its time limit");
  }
}

async function served(
  kit: RemoteGuardrailKit,
  handler: ReplayHandler | "down",
  options: Partial<RemoteGuardrailOptions>,
  body: (guardrail: Guardrail, server: ReplayServer) => Promise<void>,
): Promise<void> {
  const server = await replayServer(handler === "down" ? () => ({ status: 500 }) : handler);
  const transport = createTransport();
  try {
    const url = handler === "down" ? await refusedUrl() : server.url;
    await body(kit.guardrail(url, { transport, ...options }), server);
  } finally {
    await server.close();
    await transport.close?.();
  }
}

function messages(text: string): ChatRequest["messages"] {
  return [{ role: "user", content: [{ type: "text", text }] }];
}

function callOf(text: string, stream: boolean, signal?: AbortSignal): Call<"chat"> {
  return testCall({
    operation: "chat",
    request: { model: "kit", messages: messages(text), stream },
    principal: CLIENT,
    ...(signal !== undefined && { signal }),
  });
}

/** A question and its answer through a guardrail. */
async function run(guardrail: Guardrail, request: string, reply: string, streamed: boolean) {
  const call = callOf(request, streamed);
  let seen: ChatRequest["messages"] | undefined;
  let model: string | undefined;
  const guarded = guardrailLayer(guardrail).layer(call, (admitted) => {
    seen = admitted.request.messages;
    model = admitted.model;
    return answer([...reply], "text", streamed).reply() as never;
  });
  const { result } = await collectReply(guarded as ReturnType<ReturnType<typeof answer>["reply"]>);
  return { text: partTexts(result, "text")[0], call, seen, model };
}

async function refused(
  guardrail: Guardrail,
  request: string,
  reply: string,
  streamed: boolean,
  signal?: AbortSignal,
): Promise<{ readonly error: GatewayError; readonly call: Call; readonly text: string }> {
  const call = callOf(request, streamed, signal);
  const inner = answer([...reply], "text", streamed);
  const guarded = guardrailLayer(guardrail).layer(call, () => inner.reply() as never);
  let text = "";
  try {
    for await (const event of guarded as ReturnType<typeof inner.reply>) {
      if (event.type === "partDelta" && "text" in event.delta) text += event.delta.text;
    }
  } catch (thrown) {
    assert.ok(isGatewayError(thrown), `expected a GatewayError, got ${String(thrown)}`);
    return { error: thrown, call: call as unknown as Call, text };
  }
  throw new assert.AssertionError({ message: "it passed, but it should have been refused" });
}

function sides(category: string): readonly string[] {
  return ["input", "output"].map((mode) => `flagged,${mode},${category}`);
}

function assertHidden(value: unknown, secrets: readonly string[], where: string): void {
  const shown = inspect(value, { depth: 10, showHidden: true, maxStringLength: null, maxArrayLength: null });
  for (const secret of secrets) assert.ok(!shown.includes(secret), `${where} shows ${JSON.stringify(secret)}`);
}

/** Credentials stand in headers, where they are sent at all, and nothing of the client does. */
function assertNoClient(request: SentRequest, credentials: readonly string[]): void {
  for (const credential of credentials) {
    assert.ok(!request.path.includes(credential), "a credential stands in the path");
    assert.ok(!request.body.includes(credential), "a credential stands in the body");
  }
  assert.equal(request.headers.cookie, undefined);
}
