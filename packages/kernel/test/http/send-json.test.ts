import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Attempt } from "../../src/call.ts";
import { GatewayError } from "../../src/errors.ts";
import { createTransport, jsonRequest, openStream, parseJson, sendJson, sseEvents } from "../../src/http/index.ts";
import type { Exchange, ReplayServer } from "../../src/testkit/index.ts";
import { replayServer, testAttempt } from "../../src/testkit/index.ts";

const transport = createTransport();
let upstream: ReplayServer | undefined;
afterEach(() => upstream?.close());

async function attemptAt(exchange: Exchange, signal?: AbortSignal): Promise<Attempt<"chat">> {
  upstream = await replayServer(exchange);
  return testAttempt({
    operation: "chat",
    request: { model: "m", messages: [] },
    deployment: { provider: "acme", baseUrl: upstream.url },
    transport,
    ...(signal !== undefined && { signal }),
  });
}

function asked(attempt: Attempt<"chat">) {
  return jsonRequest(attempt, { baseUrl: "https://acme.example", path: "/chat", body: { words: "Hi" } });
}

const Reply = z.object({ words: z.string() });
const map = (body: unknown) =>
  (body as { why?: string }).why === "too long" ? { code: "context_length_exceeded" as const } : undefined;

describe("sendJson", () => {
  it("answers what the schema makes of the reply", async () => {
    const attempt = await attemptAt({ body: { words: "Ho", more: 1 } });
    expect(await sendJson(attempt, asked(attempt), { schema: Reply })).toEqual({ words: "Ho" });
    expect(upstream?.sent[0]).toMatchObject({ method: "POST", path: "/chat", body: '{"words":"Hi"}' });
  });

  it("answers the JSON as it is without a schema, for any status of success", async () => {
    const attempt = await attemptAt({ status: 201, body: [1, null] });
    expect(await sendJson(attempt, asked(attempt))).toEqual([1, null]);
  });

  it.each([
    [400, { why: "too long" }, "context_length_exceeded"],
    [400, { why: "too short" }, "invalid_request"],
    [302, {}, "provider_error"],
    [429, {}, "provider_rate_limited"],
  ])("classifies status %d with %j", async (status, body, code) => {
    const attempt = await attemptAt({ status, body });
    await expect(sendJson(attempt, asked(attempt), { map })).rejects.toMatchObject({
      code,
      source: "acme",
      upstreamStatus: status,
    });
  });

  it("fails for another shape, and for what is not JSON", async () => {
    const other = await attemptAt({ body: { words: 7 } });
    await expect(sendJson(other, asked(other), { schema: Reply })).rejects.toMatchObject({
      code: "provider_error",
      source: "acme",
      message: 'provider "acme" sent JSON of an unknown shape',
      cause: { issues: [{ path: ["words"] }] },
    });
    await upstream?.close();
    const page = await attemptAt({ contentType: "text/html", bodyText: "<p>secret</p>" });
    const failure = await sendJson(page, asked(page)).catch((thrown: unknown) => thrown as GatewayError);
    expect(failure).toMatchObject({ code: "provider_error", message: 'provider "acme" sent what is not JSON' });
    // the engine's message would quote the text
    expect((failure as GatewayError).cause).toBeUndefined();
  });

  it("ends with the signal", async () => {
    const controller = new AbortController();
    const attempt = await attemptAt({ body: {}, headersDelayMs: 60_000 }, controller.signal);
    const reply = sendJson(attempt, asked(attempt));
    await upstream?.received(0);
    controller.abort(new GatewayError("client_closed", "the caller left"));
    await expect(reply).rejects.toMatchObject({ code: "client_closed" });
  });

  it("ends with the signal when models are listed: that transport is bound to none", async () => {
    const { deployment } = await attemptAt({ body: {}, headersDelayMs: 60_000 });
    const controller = new AbortController();
    const target = { deployment, transport, signal: controller.signal };
    const reply = sendJson(target, jsonRequest(target, { baseUrl: "https://acme.example", path: "/models" }));
    expect((await upstream?.received(0))?.method).toBe("GET");
    controller.abort(new GatewayError("client_closed", "the caller left"));
    await expect(reply).rejects.toMatchObject({ code: "client_closed" });
  });
});

describe("openStream", () => {
  it("answers the body as it arrives", async () => {
    const attempt = await attemptAt({ bodyText: "data: 1\n\ndata: 2\n\n", delivery: "bytes" });
    const stream = await openStream(attempt, asked(attempt));
    const seen: string[] = [];
    for await (const { data } of sseEvents(stream)) seen.push(data);
    expect(seen).toEqual(["1", "2"]);
  });

  it.each([
    [400, { why: "too long" }, "context_length_exceeded"],
    [503, {}, "provider_overloaded"],
  ])("classifies status %d with %j", async (status, body, code) => {
    const attempt = await attemptAt({ status, body });
    await expect(openStream(attempt, asked(attempt), { map })).rejects.toMatchObject({
      code,
      source: "acme",
      upstreamStatus: status,
    });
    expect(await upstream?.sent[0]?.ended).toBe("answered");
  });
});

describe("parseJson", () => {
  const attempt = testAttempt({
    operation: "chat",
    request: { model: "m", messages: [] },
    deployment: { provider: "acme" },
    transport,
  });

  it("reads text and bytes", () => {
    expect(parseJson(attempt, '{"words":"Ho"}', Reply)).toEqual({ words: "Ho" });
    expect(parseJson(attempt, Buffer.from("[1.5]"))).toEqual([1.5]);
  });

  it.each(["", "{", "[DONE]", "{'a': 1}"])("fails for %j", (text) => {
    expect(() => parseJson(attempt, text)).toThrow(
      expect.objectContaining({ code: "provider_error", retryable: true, source: "acme" }),
    );
  });
});
