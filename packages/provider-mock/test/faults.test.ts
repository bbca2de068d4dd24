import { describe, expect, test } from "vitest";
import type { ChatRequest } from "@signalbox/kernel";
import { GatewayError, resultOf } from "@signalbox/kernel";
import { mock } from "../src/index.ts";
import { begin, user } from "./attempt.ts";

const provider = mock();
const run = (request: ChatRequest, more: Parameters<typeof begin>[3] = {}) =>
  resultOf(begin(provider, "chat", request, more));

describe("faults", () => {
  test.each([
    ["fault-400", "invalid_request", false, 400],
    ["fault-401", "provider_auth_failed", true, 401],
    ["fault-404", "model_not_found", false, 404],
    ["fault-429", "provider_rate_limited", true, 429],
    ["fault-500", "provider_error", true, 500],
    ["fault-503", "provider_overloaded", true, 503],
    ["fault-529", "provider_overloaded", true, 529],
    ["fault-504", "timeout", true, 504],
    ["fault-context", "context_length_exceeded", false, 400],
    ["fault-content", "content_policy_violation", false, 400],
    ["fault-html", "provider_error", true, 502],
    ["fault-empty", "provider_error", true, undefined],
  ])("%s", async (model, code, retryable, upstreamStatus) => {
    await expect(run(user("x", { model }))).rejects.toMatchObject({ code, retryable, upstreamStatus, source: "mock" });
  });

  test("retry-after is passed on", async () => {
    await expect(run(user("x", { model: "fault-429+retry-after-2s" }))).rejects.toMatchObject({ retryAfterMs: 2000 });
  });

  test("first and each count the calls of one mock", async () => {
    async function outcomes(model: string, count: number): Promise<string> {
      const provider = mock();
      let letters = "";
      for (let index = 0; index < count; index++) {
        const reply = begin(provider, "chat", user("x", { model }));
        letters += await resultOf(reply).then(
          () => "o",
          () => "x",
        );
      }
      return letters;
    }
    expect(await outcomes("fault-500-first-2", 4)).toBe("xxoo");
    expect(await outcomes("fault-500-each-3", 7)).toBe("ooxooxo");
  });

  test("midstream: half of the deltas, then the error", async () => {
    const texts: string[] = [];
    const reply = begin(provider, "chat", user("x", { model: "chunks-5+fault-midstream", stream: true }));
    const reading = (async () => {
      for await (const event of reply)
        if (event.type === "partDelta" && "text" in event.delta) texts.push(event.delta.text);
    })();
    await expect(reading).rejects.toMatchObject({ code: "provider_error" });
    expect(texts).toEqual(["This", " is", " a"]);
  });

  test("a header of the deployment names the model to play", async () => {
    const deployment = { headers: { "x-mock-model": "fault-503" } };
    await expect(run(user("x"), { deployment })).rejects.toMatchObject({ code: "provider_overloaded" });
  });

  test.each(["slow-60s", "late-60s", "fault-timeout", "fault-stall"])(
    "%s: an abort ends the wait at once",
    async (model) => {
      const controller = new AbortController();
      const reason = new GatewayError("client_closed", "gone");
      const started = performance.now();
      const waiting = run(user("a text", { model, stream: true }), { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 10);
      await expect(waiting).rejects.toBe(reason);
      expect(performance.now() - started).toBeLessThan(2000);
    },
  );

  test("an abort ends the pause between deltas, and one from before is seen", async () => {
    const controller = new AbortController();
    const reason = new GatewayError("client_closed", "gone");
    const request = user("x", { model: "chunks-3-every-60s", stream: true });
    const reply = begin(provider, "chat", request, { signal: controller.signal });
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const event of reply) {
          seen.push(event.type);
          if (event.type === "partDelta") controller.abort(reason);
        }
      })(),
    ).rejects.toBe(reason);
    expect(seen).toEqual(["replyStart", "partStart", "partDelta"]);
    await expect(run(user("x"), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test.each([
    ["slow-60s", { timeoutMs: 5 }, false],
    ["fault-timeout", { timeoutMs: 60_000, streamTimeoutMs: 5 }, true],
    ["fault-stall", { idleTimeoutMs: 5 }, true],
    ["chunks-2-every-60s", { idleTimeoutMs: 5 }, true],
  ])("%s ends at the deployment's limit", async (model, deployment, stream) => {
    await expect(run(user("x", { model, stream }), { deployment })).rejects.toMatchObject({ code: "timeout" });
  });
});

describe("set-up", () => {
  test.each([
    [{ chunkSize: 0 }, "mock(chunkSize)"],
    [{ latency: 5 }, "Unrecognized key"],
    [{ scripts: { echo: "x" } }, '"echo" is a built-in reply'],
    [{ scripts: { "slow-5ms": "x" } }, '"slow-5ms" already has a meaning'],
    [{ scripts: { "a+b": "x" } }, '"a+b" is not a model name'],
  ])("%j is refused", (options, message) => {
    expect(() => mock(options as object)).toThrow(message);
  });

  test("deployments are checked", () => {
    const { validate } = mock();
    const deployment = { id: "d", model: "m", provider: "mock", upstreamModel: "*" };
    expect(() => validate?.(deployment)).not.toThrow();
    expect(() => validate?.({ ...deployment, upstreamModel: "ecko" })).toThrow(
      'deployment "d": the mock provider has no model "ecko"',
    );
    expect(() => validate?.({ ...deployment, headers: { "x-mock-model": "?" } })).toThrow("deployment");
  });

  test("a model that is not there", async () => {
    await expect(run(user("x", { model: "gpt-5" }))).rejects.toMatchObject({ code: "model_not_found", param: "model" });
  });
});
