import assert from "node:assert/strict";
import { GatewayError } from "../errors.ts";
import type { Delivery, Exchange } from "./exchange.ts";
import { exchangeBody } from "./exchange.ts";
import type { Bench, Probe, ProviderKit } from "./provider-bench.ts";
import { failureOf, probesOf, readReply, spoilt, withBench } from "./provider-bench.ts";
import type { SentRequest } from "./replay-server.ts";
import type { Cases } from "./runner.ts";
import { within } from "./runner.ts";

/** How soon the upstream must know that nobody listens any more. */
const ABORT_MS = 100;

/** A provider that waits for the end before it sends the first event does not stream. */
const FIRST_EVENT_MS = 1_000;

/** Beginnings and endings: lazy, closed when left, ended by the signal, independent of its neighbours. */
export function lifecycleCases(kit: ProviderKit, cases: Cases): void {
  for (const probe of probesOf(kit)) {
    const add = (name: string, body: (probe: Probe) => Promise<void>): void =>
      cases.add(`lifecycle: ${name}, ${probe.name}`, () => body(probe), ["network"]);
    add("a reply that nobody reads sends nothing", (one) => checkLazy(kit, one));
    add("a call that is over sends nothing", (one) => checkAbortedBefore(kit, one));
    add("the signal ends a wait for the head", (one) => checkAbortBeforeHead(kit, one));
    if (probe.name === "streamed") {
      add("leaving early closes the upstream", (one) => checkLeave(kit, one));
      add("the signal ends a stream", (one) => checkAbort(kit, one));
    }
    add("calls at the same time do not mix", (one) => checkConcurrent(kit, one));
  }
  if (!cases.has("network")) {
    cases.add("lifecycle: a call that is over fails", () => checkAbortedWithoutNetwork(kit));
  }
}

function clientClosed(): GatewayError {
  return new GatewayError("client_closed", "the caller left");
}

function attemptOf(bench: Bench, probe: Probe, signal?: AbortSignal) {
  const { operation, request, deployment } = probe;
  return bench.attempt({ operation, request, deployment, ...(signal !== undefined && { signal }) });
}

async function checkLazy(kit: ProviderKit, probe: Probe): Promise<void> {
  await withBench(kit, probe.exchange, {}, async (bench) => {
    const reply = bench.reply(attemptOf(bench, probe));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await reply.return(undefined as never);
    assert.equal(bench.upstream.sent.length, 0, "replies are lazy: nothing happens before the first next()");
  });
}

async function checkAbortedBefore(kit: ProviderKit, probe: Probe): Promise<void> {
  await withBench(kit, probe.exchange, {}, async (bench) => {
    const reply = bench.reply(attemptOf(bench, probe, AbortSignal.abort(clientClosed())));
    const { error } = await failureOf(reply);
    assert.equal(error.code, "client_closed");
    assert.equal(bench.upstream.sent.length, 0, "a call that is over must not reach the vendor");
  });
}

async function checkAbortedWithoutNetwork(kit: ProviderKit): Promise<void> {
  await withBench(kit, { status: 500 }, {}, async (bench) => {
    const { text } = kit.wire.chat ?? assert.fail("give wire.chat.text");
    const request = { model: "kit", messages: [], ...text.request };
    const attempt = bench.attempt({ operation: "chat", request, signal: AbortSignal.abort(clientClosed()) });
    const { error } = await failureOf(bench.reply(attempt));
    assert.equal(error.code, "client_closed");
  });
}

async function checkAbortBeforeHead(kit: ProviderKit, probe: Probe): Promise<void> {
  await withBench(kit, spoilt(probe.exchange, { headersDelayMs: 60_000 }), {}, async (bench) => {
    const controller = new AbortController();
    const failure = failureOf(bench.reply(attemptOf(bench, probe, controller.signal)));
    const sent = await bench.upstream.received(0);
    controller.abort(clientClosed());
    await checkClosed(sent);
    assert.equal((await failure).error.code, "client_closed");
  });
}

function stalled(exchange: Exchange): Exchange {
  return spoilt(exchange, { fault: { type: "stall", afterBytes: Math.floor(exchangeBody(exchange).length * 0.6) } });
}

async function checkLeave(kit: ProviderKit, probe: Probe): Promise<void> {
  await withBench(kit, stalled(probe.exchange), {}, async (bench) => {
    const reply = bench.reply(attemptOf(bench, probe));
    const step = await within(FIRST_EVENT_MS, "the first event of a stream that goes on", reply.next());
    assert.equal(step.done, false, "the first event comes before the stream has ended");
    const sent = await bench.upstream.received(0);
    await within(ABORT_MS, "return()", reply.return(undefined as never));
    await checkClosed(sent);
  });
}

async function checkAbort(kit: ProviderKit, probe: Probe): Promise<void> {
  await withBench(kit, stalled(probe.exchange), {}, async (bench) => {
    const controller = new AbortController();
    const failure = failureOf(bench.reply(attemptOf(bench, probe, controller.signal)));
    const sent = await bench.upstream.received(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort(clientClosed());
    await checkClosed(sent);
    const { error } = await within(ABORT_MS, "the reply after the signal", failure);
    assert.equal(error.code, "client_closed");
  });
}

async function checkClosed(sent: SentRequest): Promise<void> {
  const ended = await within(ABORT_MS, "closing the upstream connection", sent.ended);
  assert.equal(ended, "clientClosed", "the upstream was read to its end instead of being closed");
}

async function checkConcurrent(kit: ProviderKit, probe: Probe): Promise<void> {
  const deliveries: readonly Delivery[] = ["lines", "whole", 5, "lines", 3, "bytes"];
  const exchange = (_request: SentRequest, index: number): Exchange =>
    spoilt(probe.exchange, { delivery: deliveries[index] ?? "whole" });
  await withBench(kit, exchange, {}, async (bench) => {
    const [first, ...others] = await Promise.all(deliveries.map(() => readReply(bench, probe)));
    const content = (one: typeof first): unknown => {
      const result = one?.result as { choices?: unknown; usage?: unknown };
      return JSON.stringify({ choices: result.choices, usage: result.usage }, (name, value: unknown) =>
        name === "id" ? "" : typeof value === "bigint" ? String(value) : value,
      );
    };
    for (const other of others) assert.equal(content(other), content(first), "answers of parallel calls are mixed up");
    assert.equal(bench.upstream.sent.length, deliveries.length);
  });
}
