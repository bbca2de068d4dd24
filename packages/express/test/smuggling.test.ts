import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Listener } from "../src/node/index.ts";
import { listen } from "../src/node/index.ts";
import { RawClient } from "./support/raw-client.ts";
import type { TestGateway } from "./support/test-gateway.ts";
import { KEY, keys, testGateway } from "./support/test-gateway.ts";

const BODY = '{"model":"whole","text":"x"}';
const LENGTH = `Content-Length: ${BODY.length}`;
const CHUNKS = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;

/** A POST with these header lines in place of the usual ones. */
function message(
  lines: readonly string[],
  body: string = BODY,
  start: string = "POST /v1/chat/completions HTTP/1.1",
): string {
  return `${[start, ...lines, `x-api-key: ${KEY}`].join("\r\n")}\r\n\r\n${body}`;
}

const HOST = "Host: gateway.test";
const CHUNKED = "Transfer-Encoding: chunked";

/** Shapes that two servers in a row may read differently. */
const SHAPES: readonly [name: string, text: string, statuses: readonly number[]][] = [
  ["content-length and transfer-encoding", message([HOST, LENGTH, CHUNKED], CHUNKS), [400]],
  ["transfer-encoding twice", message([HOST, CHUNKED, "Transfer-Encoding: identity"], CHUNKS), [400]],
  ["transfer-encoding xchunked", message([HOST, "Transfer-Encoding: xchunked"], CHUNKS), [400]],
  ["transfer-encoding chunked, identity", message([HOST, "Transfer-Encoding: chunked, identity"], CHUNKS), [400]],
  ["two different content-lengths", message([HOST, LENGTH, "Content-Length: 5"]), [400]],
  ["two equal content-lengths", message([HOST, LENGTH, LENGTH]), [400]],
  ["content-length with a sign", message([HOST, "Content-Length: +28"]), [400]],
  ["content-length as a list", message([HOST, "Content-Length: 28, 28"]), [400]],
  ["space before the colon", message([HOST, LENGTH, "X-A : b"]), [400]],
  ["a folded header", message([HOST, LENGTH, "X-A: b\r\n c"]), [400]],
  ["bare LF as line end", message([HOST, LENGTH]).replace("Host: gateway.test\r\n", "Host: gateway.test\n"), [400]],
  ["bare CR in a header", message([HOST, LENGTH, "X-A: b\rX-B: c"]), [400]],
  ["NUL in a header", message([HOST, LENGTH, "X-A: b\0c"]), [400]],
  ["LF in a chunk extension", message([HOST, CHUNKED], `1c;a\nb\r\n${BODY}\r\n0\r\n\r\n`), [400]],
  ["chunk size with a prefix", message([HOST, CHUNKED], `0x1c\r\n${BODY}\r\n0\r\n\r\n`), [400]],
  ["chunks that end in LF only", message([HOST, CHUNKED], `1c\n${BODY}\n0\n\n`), [400]],
  ["no Host", message([LENGTH]), [400]],
  ["a chunk extension of 64 KB", message([HOST, CHUNKED], `1c;${"a".repeat(65_536)}\r\n${BODY}\r\n0\r\n\r\n`), [413]],
  ["a header of 17 KB", message([HOST, LENGTH, `X-A: ${"a".repeat(17_408)}`]), [431]],
  ["3,000 headers", message([HOST, LENGTH, ...Array.from({ length: 3_000 }, (_, at) => `X-${at}: b`)]), [431]],
  ["two Host headers", message([HOST, "Host: admin.test", LENGTH]), [400]],
  ["a Host that is no host", message(["Host: a/x?y#z", LENGTH]), [400]],
  [
    "a target with scheme and host",
    message([HOST, LENGTH], BODY, "POST http://gateway.test/v1/chat/completions HTTP/1.1"),
    [400],
  ],
  ["chunks in HTTP/1.0", message([HOST, CHUNKED], CHUNKS, "POST /v1/chat/completions HTTP/1.0"), [400]],
  ["two pipelined requests", message([HOST, LENGTH]) + message([HOST, LENGTH]), [200, 200]],
];

describe("a malformed request", () => {
  let test: TestGateway;
  let listener: Listener;

  beforeAll(async () => {
    test = await testGateway({ authenticator: keys() });
    listener = await listen(test.gateway, { port: 0 });
  });

  afterAll(async () => {
    await listener.close({ deadlineMs: 0 });
    await test.gateway.close();
  });

  it.each(SHAPES)("%s", async (_name, text, statuses) => {
    const before = test.provider.started.length;
    const client = new RawClient(listener.url).write(text);
    await client.until(({ received }) => client.statuses().length === statuses.length && received.endsWith("}"));
    // whatever follows would be a second answer to one request
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(client.statuses()).toEqual(statuses);
    const accepted = statuses.filter((status) => status === 200).length;
    expect(test.provider.started.length - before).toBe(accepted);
    if (accepted === 0) {
      const body = client.received.slice(client.received.indexOf("\r\n\r\n") + 4);
      const code = { 400: "invalid_request", 413: "request_too_large", 431: "headers_too_large" }[statuses[0] as 400];
      expect(JSON.parse(body)).toMatchObject({ error: { type: "invalid_request_error", code } });
      expect(client.received.toLowerCase()).toContain("x-signalbox-error-contract: 1");
      expect(client.received).not.toContain("    at ");
    }
    client.socket.destroy();
  });

  it.each([
    "//v1/chat/completions",
    "/v1%2fchat/completions",
    "/v1/chat%2Fcompletions",
    "/v1/./chat/completions",
    "/v1/x/../chat/completions",
    "/v1/%2e%2e/v1/chat/completions",
    "/v1\\chat\\completions",
  ])("with the path %s is refused", async (path) => {
    const client = new RawClient(listener.url).write(message([HOST, LENGTH], BODY, `POST ${path} HTTP/1.1`));
    await client.until(({ received }) => received.endsWith("}"));
    expect(client.statuses()).toEqual([400]);
    client.socket.destroy();
  });

  it.each(["/V1/chat/completions", "/v1/chat/completions/", "/v1/chat/completions;a=b", "/v1/chat/completions."])(
    "with the path %s is nobody's",
    async (path) => {
      const client = new RawClient(listener.url).write(message([HOST, LENGTH], BODY, `POST ${path} HTTP/1.1`));
      await client.until(({ received }) => received.endsWith("}"));
      expect(client.statuses()).toEqual([404]);
      client.socket.destroy();
    },
  );

  it("with an address of more than 8 KB is refused", async () => {
    const client = new RawClient(listener.url);
    client.write(message([HOST, LENGTH], BODY, `POST /v1/chat/completions?${"a".repeat(9_000)} HTTP/1.1`));
    await client.until(({ received }) => received.endsWith("}"));
    expect(client.statuses()).toEqual([431]);
    client.socket.destroy();
  });

  it("that no parser reads does not disturb an answer under way", async () => {
    const { gateway, provider } = test;
    const busy = new RawClient(listener.url);
    const body = '{"model":"stuck","text":"x","stream":true}';
    busy.write(message([HOST, `Content-Length: ${body.length}`], body));
    await busy.until(({ received }) => received.includes("begun"));
    busy.write("rubbish\r\n\r\n");
    await busy.until(({ closed }) => closed);
    expect(busy.statuses()).toEqual([200]);
    expect(busy.received).not.toContain("invalid_request");
    expect(provider.abortedAt.length).toBeGreaterThan(0);
    expect(gateway.activeCalls).toBe(0);
  });
});
