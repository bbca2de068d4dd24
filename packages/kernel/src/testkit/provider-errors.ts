import assert from "node:assert/strict";
import type { ErrorCode } from "../errors.ts";
import { ERROR_RULES } from "../errors.ts";
import type { Exchange } from "./exchange.ts";
import type { Probe, ProviderKit } from "./provider-bench.ts";
import { failureOf, KIT_KEY, probesOf, withBench } from "./provider-bench.ts";
import type { ErrorScenario, ErrorScenarios } from "./provider-wire.ts";
import type { Cases } from "./runner.ts";

interface ErrorKind {
  readonly statuses: readonly number[];
  readonly code: ErrorCode;
  /** The capability that leaves it out. */
  readonly capability?: "contextLength" | "contentPolicy" | "inBody" | "inStream";
  /** Asked in one way only. */
  readonly only?: Probe["name"];
}

const KINDS: Readonly<Record<keyof ErrorScenarios, ErrorKind>> = {
  badRequest: { statuses: [400, 422], code: "invalid_request" },
  unauthorized: { statuses: [401, 403], code: "provider_auth_failed" },
  notFound: { statuses: [404], code: "model_not_found" },
  rateLimited: { statuses: [429], code: "provider_rate_limited" },
  serverError: { statuses: [500], code: "provider_error" },
  overloaded: { statuses: [503, 529], code: "provider_overloaded" },
  contextLength: { statuses: [400, 413, 422], code: "context_length_exceeded", capability: "contextLength" },
  contentPolicy: { statuses: [400, 403, 422], code: "content_policy_violation", capability: "contentPolicy" },
  inBody: { statuses: [200], code: "provider_error", capability: "inBody", only: "plain" },
  inStream: { statuses: [200], code: "provider_error", capability: "inStream", only: "streamed" },
};

/** Every failure that the vendor reports, plain and streamed: code, status, retryable, source, waiting time. */
export function errorCases(kit: ProviderKit, cases: Cases): void {
  const probes = probesOf(kit);
  for (const [name, kind] of Object.entries(KINDS) as [keyof ErrorScenarios, ErrorKind][]) {
    const scenario = kit.wire.errors?.[name];
    const needs = ["network", ...(kind.capability === undefined ? [] : [kind.capability])];
    if (kind.only === "streamed") needs.push("chat", "streaming");
    if (scenario === undefined) {
      const hint = kind.capability === undefined ? "" : `, or declare capabilities.${kind.capability}: false`;
      cases.add(`errors: ${name}`, () => assert.fail(`give wire.errors.${name}${hint}`), needs);
      continue;
    }
    for (const probe of probes) {
      if (kind.only !== undefined && kind.only !== probe.name) continue;
      cases.add(`errors: ${name}, ${probe.name}`, () => checkError(kit, probe, name, kind, scenario), needs);
    }
  }
  for (const probe of probes) {
    cases.add(`errors: a key that the vendor repeats stays hidden, ${probe.name}`, () => checkHidden(kit, probe), [
      "network",
    ]);
    cases.add(`errors: pages that are no JSON keep their status, ${probe.name}`, () => checkPages(kit, probe), [
      "network",
    ]);
  }
}

async function checkError(
  kit: ProviderKit,
  probe: Probe,
  name: keyof ErrorScenarios,
  kind: ErrorKind,
  scenario: ErrorScenario,
): Promise<void> {
  const status = scenario.exchange.status ?? 200;
  assert.ok(kind.statuses.includes(status), `wire.errors.${name} has status ${status}, not ${kind.statuses.join("/")}`);
  const waits = name === "rateLimited" && scenario.retryAfterMs === undefined;
  const exchange: Exchange = waits
    ? { ...scenario.exchange, headers: { ...scenario.exchange.headers, "retry-after": "7" } }
    : scenario.exchange;
  const code = scenario.code ?? kind.code;
  await withBench(kit, exchange, {}, async (bench) => {
    const { operation, request, deployment } = probe;
    const { error, events } = await failureOf(bench.reply(bench.attempt({ operation, request, deployment })));
    assert.equal(error.code, code, `code (message: ${error.message})`);
    assert.equal(error.status, ERROR_RULES[code].status, "status");
    assert.equal(error.source, bench.provider.name, "source is the provider's name");
    assert.equal(error.retryable, scenario.retryable ?? ERROR_RULES[code].retryable, "retryable");
    if (status !== 200) assert.equal(error.upstreamStatus, status, "upstreamStatus");
    const retryAfterMs = waits ? 7_000 : scenario.retryAfterMs;
    if (retryAfterMs !== undefined) assert.equal(error.retryAfterMs, retryAfterMs, "retryAfterMs");
    if (scenario.message !== undefined) {
      assert.ok(error.message.includes(scenario.message), `the message does not say why: ${error.message}`);
    }
    if (name === "inStream") assert.ok(events > 0, "what came before the failure should have been sent on");
    else assert.equal(events, 0, "no event may come before an error that is the whole answer");
    assert.equal(bench.upstream.sent.length, 1, "retries are the router's: a provider sends once");
  });
}

/** Vendors like to say which key was wrong. */
async function checkHidden(kit: ProviderKit, probe: Probe): Promise<void> {
  const text = `Incorrect API key provided: ${KIT_KEY}. Header was: Bearer ${KIT_KEY}`;
  const echoes: readonly Exchange[] = [
    { status: 401, body: { error: { message: text, type: "invalid_request_error", code: "invalid_api_key" } } },
    { status: 401, body: { type: "error", message: text, error: text } },
    { status: 500, contentType: "text/plain", bodyText: text },
    { status: 400, contentType: "text/html", bodyText: `<html><body>${text}</body></html>` },
  ];
  for (const exchange of echoes) {
    await withBench(kit, exchange, {}, async (bench) => {
      const { operation, request, deployment } = probe;
      const attempt = bench.attempt({ operation, request, deployment });
      await failureOf(bench.reply(attempt)); // looks for the key in the error
      assert.ok(!JSON.stringify(attempt.trace).includes(KIT_KEY), "the trace shows the deployment's key");
    });
  }
}

/** What proxies and load balancers answer in a vendor's place. */
async function checkPages(kit: ProviderKit, probe: Probe): Promise<void> {
  const page = "<html><head><title>Bad Gateway</title></head><body>nginx</body></html>";
  const answers: readonly (readonly [number, string, ErrorCode])[] = [
    [502, page, "provider_error"],
    [500, "", "provider_error"],
    [500, '{"error": {"mess', "provider_error"],
    [503, page, "provider_overloaded"],
    [429, "slow down", "provider_rate_limited"],
  ];
  for (const [status, bodyText, code] of answers) {
    const contentType = bodyText.startsWith("{") ? "application/json" : "text/html";
    await withBench(kit, { status, contentType, bodyText }, {}, async (bench) => {
      const { operation, request, deployment } = probe;
      const { error } = await failureOf(bench.reply(bench.attempt({ operation, request, deployment })));
      const what = `status ${status} with ${JSON.stringify(bodyText)}`;
      assert.equal(error.code, code, what);
      assert.equal(error.retryable, true, `${what} is retryable`);
      assert.equal(error.upstreamStatus, status, what);
    });
  }
}
