import assert from "node:assert/strict";
import type { ErrorCode } from "../errors.ts";
import type { Exchange } from "./exchange.ts";
import { exchangeBody } from "./exchange.ts";
import type { BenchOptions, Probe, ProviderKit } from "./provider-bench.ts";
import { failureOf, probesOf, spoilt, withBench } from "./provider-bench.ts";
import { refusedUrl } from "./replay-server.ts";
import type { Cases } from "./runner.ts";

/** Short enough for a test, long enough for a busy machine. */
const SHORT_MS = 200;

interface FaultCase {
  readonly name: string;
  readonly only?: Probe["name"];
  readonly code: ErrorCode;
  readonly exchange: (probe: Probe) => Exchange;
  /** At least one event has come before. */
  readonly afterEvents?: boolean;
  /** Needs the gateway's transport to notice. */
  readonly timed?: boolean;
}

function fault(type: "reset" | "truncate" | "end" | "stall" | "malformed", share: number): (probe: Probe) => Exchange {
  return ({ exchange }) =>
    spoilt(exchange, { fault: { type, afterBytes: Math.floor(exchangeBody(exchange).length * share) } });
}

/** Ends where a frame ends, so that nothing but the missing end tells that the answer is not whole. */
function endBetweenFrames({ exchange }: Probe): Exchange {
  const body = exchangeBody(exchange);
  const half = body.subarray(0, Math.floor(body.length * 0.6));
  const text = half.toString("latin1");
  const [separator] = ["\r\n\r\n", "\n\n", "\n"].filter((one) => text.includes(one));
  const afterBytes = separator === undefined ? half.length : text.lastIndexOf(separator) + separator.length;
  return spoilt(exchange, { fault: { type: "end", afterBytes } });
}

const HTML = "<!doctype html><html><body>Please sign in to the network.</body></html>";

const FAULTS: readonly FaultCase[] = [
  {
    name: "a stream is reset",
    only: "streamed",
    code: "provider_error",
    exchange: fault("reset", 0.6),
    afterEvents: true,
  },
  {
    name: "a stream is cut",
    only: "streamed",
    code: "provider_error",
    exchange: fault("truncate", 0.6),
    afterEvents: true,
  },
  {
    name: "a stream ends early",
    only: "streamed",
    code: "provider_error",
    exchange: fault("end", 0.6),
    afterEvents: true,
  },
  {
    name: "a stream ends between two frames",
    only: "streamed",
    code: "provider_error",
    exchange: endBetweenFrames,
    afterEvents: true,
  },
  { name: "a stream ends before its first byte", only: "streamed", code: "provider_error", exchange: fault("end", 0) },
  { name: "a frame is malformed", only: "streamed", code: "provider_error", exchange: fault("malformed", 0.6) },
  {
    name: "a stream falls silent",
    only: "streamed",
    code: "timeout",
    exchange: fault("stall", 0.6),
    timed: true,
    afterEvents: true,
  },
  { name: "a stream never begins", only: "streamed", code: "timeout", exchange: fault("stall", 0), timed: true },
  { name: "a reply is reset", only: "plain", code: "provider_error", exchange: fault("reset", 0.5) },
  { name: "a reply is cut", only: "plain", code: "provider_error", exchange: fault("truncate", 0.5) },
  { name: "a reply is half JSON", only: "plain", code: "provider_error", exchange: fault("end", 0.5) },
  { name: "a reply never ends", only: "plain", code: "timeout", exchange: fault("stall", 0.5), timed: true },
  {
    name: "the head never comes",
    code: "timeout",
    exchange: ({ exchange }) => spoilt(exchange, { headersDelayMs: 60_000 }),
    timed: true,
  },
  {
    name: "an HTML page under status 200",
    code: "provider_error",
    exchange: () => ({ contentType: "text/html", bodyText: HTML }),
  },
  {
    name: "an empty body under status 200",
    code: "provider_error",
    exchange: ({ exchange }) => ({ contentType: exchange.contentType ?? "application/json", bodyText: "" }),
  },
  { name: "JSON that is no answer", code: "provider_error", exchange: () => ({ body: { hello: "world" } }) },
  { name: "JSON that is no object", code: "provider_error", exchange: () => ({ body: 7 }) },
];

/** Whatever goes wrong on the way ends in a `GatewayError`, soon; nothing hangs and nothing broken passes for an answer. */
export function faultCases(kit: ProviderKit, cases: Cases): void {
  const probes = probesOf(kit);
  for (const one of FAULTS) {
    for (const probe of probes) {
      if (one.only !== undefined && one.only !== probe.name) continue;
      const needs = one.timed === true ? ["network", "transport"] : ["network"];
      cases.add(`faults: ${one.name}, ${probe.name}`, () => checkFault(kit, probe, one), needs);
    }
  }
  for (const probe of probes) {
    cases.add(`faults: the connection is refused, ${probe.name}`, () => checkRefused(kit, probe), ["network"]);
  }
}

async function checkFault(kit: ProviderKit, probe: Probe, one: FaultCase): Promise<void> {
  await withBench(kit, one.exchange(probe), {}, async (bench) => {
    const { operation, request } = probe;
    const limits =
      one.timed === true ? { timeoutMs: SHORT_MS, streamTimeoutMs: SHORT_MS, idleTimeoutMs: SHORT_MS } : {};
    const deployment = { ...probe.deployment, ...limits };
    const startedAt = performance.now();
    const { error, events } = await failureOf(bench.reply(bench.attempt({ operation, request, deployment })));
    const tookMs = performance.now() - startedAt;
    assert.equal(error.code, one.code, `code (message: ${error.message})`);
    assert.equal(error.retryable, true, "another deployment may do better: it is retryable");
    if (one.afterEvents === true) assert.ok(events > 0, "the events before the fault should have been sent on");
    if (one.timed === true) assert.ok(tookMs < SHORT_MS * 10, `the limit was ${SHORT_MS} ms, it took ${tookMs}`);
    assert.equal(bench.upstream.sent.length, 1, "retries are the router's: a provider sends once");
  });
}

async function checkRefused(kit: ProviderKit, probe: Probe): Promise<void> {
  const options: BenchOptions = { baseUrl: await refusedUrl() };
  await withBench(kit, probe.exchange, options, async (bench) => {
    const { operation, request, deployment } = probe;
    const { error } = await failureOf(bench.reply(bench.attempt({ operation, request, deployment })));
    assert.equal(error.code, "provider_error");
    assert.equal(error.retryable, true, "a refused connection is retryable");
    assert.equal(bench.upstream.sent.length, 0, "the request went elsewhere than to the deployment's base URL");
  });
}
