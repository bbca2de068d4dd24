import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReadChat } from "./read-chat.ts";
import { dataLines, readChat } from "./read-chat.ts";
import type { Recording, WireDialect } from "./recordings.ts";
import { FIXTURES, recordings } from "./recordings.ts";
import type { ReplayGateway } from "./replay-gateway.ts";
import { asksForUsage, replayGateway } from "./replay-gateway.ts";

const found = FIXTURES === undefined ? [] : recordings(FIXTURES);

/** A reply longer than this is cut into larger pieces than single bytes, or the run would take minutes. */
const BYTES_AT_MOST = 20_000;

describe.skipIf(FIXTURES === undefined)("recorded traffic (set SIGNALBOX_FIXTURES to a folder of recordings)", () => {
  let replay: ReplayGateway;

  beforeAll(async () => {
    replay = await replayGateway(found);
  });
  afterAll(() => replay?.close());

  it("is there in number", () => {
    expect(found.length).toBeGreaterThan(400);
  });

  describe.each(["whole", "bytes"] as const)("delivered in %s", (delivery) => {
    const pieces = (recording: Recording): "whole" | number =>
      delivery === "whole"
        ? "whole"
        : Math.max(1, Math.ceil((JSON.stringify(recording.response).length ?? 0) / BYTES_AT_MOST));

    const chats = found.filter(({ endpoint }) => endpoint === "chat" || endpoint === "messages");

    describe.each(["openai", "anthropic"] as const)("to an %s client", (client) => {
      it.each(chats.filter(({ status }) => status < 400))("$file", async (recording) => {
        const reply = await replay.chat(recording, client, pieces(recording));
        const wire = recordedText(recording);
        // An error that a provider put under HTTP 200 is an error to the client.
        if (isErrorUnder200(recording, wire)) {
          if (reply.status === 200) expect(reply.body).toContain('"error":');
          else expect(reply.status, reply.body).toBeGreaterThanOrEqual(400);
          return;
        }
        expect(reply.status, reply.body).toBe(200);
        const expected = readChat(recording.dialect, wire, recording.stream);
        const actual = readChat(client, reply.body, recording.stream);
        expectSameChat(actual, expected);
        if (client === recording.dialect) expectSameDocument(recording, wire, reply.body);
      });

      it.each(chats.filter(({ status }) => status >= 400))("$file", async (recording) => {
        const reply = await replay.chat(recording, client, pieces(recording));
        const body = JSON.parse(reply.body);
        // Some hosts answer 400 for a model that does not exist, and say so by code.
        const unknownModel =
          body.error.code === "model_not_found" || body.error.details?.error_code === "model_not_found";
        expect(reply.status).toBe(unknownModel ? 404 : expectedStatus(recording, client));
        expect(body.error.message.length).toBeGreaterThan(0);
        expect(reply.headers.get("x-signalbox-error-contract")).toBe("1");
        const wait = recording.response.headers?.["retry-after"];
        if (recording.status === 429 && wait !== undefined) expect(reply.headers.get("retry-after")).toBe(wait);
      });
    });

    it.each(found.filter(({ endpoint, status }) => endpoint === "embeddings" && status < 400))(
      "$file",
      async (recording) => {
        const reply = await replay.embed(recording, pieces(recording));
        const recorded = JSON.parse(recordedText(recording));
        expect(reply.status, reply.body).toBe(200);
        const { data, usage } = JSON.parse(reply.body);
        expect(data.map((row: { embedding: unknown }) => floats(row.embedding))).toEqual(
          recorded.data.map((row: { embedding: unknown }) => floats(row.embedding)),
        );
        expect(usage).toEqual(recorded.usage);
      },
    );

    it.each(found.filter(({ endpoint, status }) => endpoint === "embeddings" && status >= 400))(
      "$file",
      async (recording) => {
        const reply = await replay.embed(recording, pieces(recording));
        // llama.cpp: 501 with the type of an operation that the server was not started for.
        const notOffered = JSON.parse(reply.body).error.code === "unsupported_operation";
        expect(reply.status).toBe(notOffered ? 400 : expectedStatus(recording, "openai"));
      },
    );

    it.each(found.filter(({ endpoint }) => endpoint === "models"))("$file", async (recording) => {
      const listing = replay.models(recording, pieces(recording));
      if (recording.status >= 400) {
        // No model was named, so a 404 means that the address is wrong.
        const status = recording.status === 404 ? 502 : expectedStatus(recording, "openai");
        await expect(listing).rejects.toMatchObject({ status });
        return;
      }
      const recorded = JSON.parse(recordedText(recording));
      const rows = (Array.isArray(recorded) ? recorded : (recorded.data ?? [recorded])) as { id: string }[];
      expect((await listing).map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    });
  });
});

function recordedText({ response }: Recording): string {
  if (response.bodyText !== undefined) return response.bodyText;
  if (response.bodyBase64 !== undefined) return Buffer.from(response.bodyBase64, "base64").toString();
  if (response.body !== undefined) return JSON.stringify(response.body);
  return Buffer.concat((response.chunks ?? []).map((chunk) => Buffer.from(chunk, "base64"))).toString();
}

function isErrorUnder200(recording: Recording, wire: string): boolean {
  const documents = recording.stream ? dataLines(wire).filter((data) => data !== "[DONE]") : [wire];
  return documents.some((document) => {
    const json = JSON.parse(document);
    return Boolean(json.error) || Boolean(json.choices?.[0]?.error);
  });
}

/** The error contract: what a client sees for what a provider answered. */
function expectedStatus({ status, file }: Recording, client: WireDialect): number {
  if (status === 401 || status === 403) return 502;
  if (status === 402) return 429;
  if (status === 422 || status === 409) return 400;
  if (status === 529) return client === "anthropic" ? 529 : 503;
  if (status === 500 || status === 501 || status === 502) return 502;
  if (status === 504 || status === 408) return 504;
  expect([400, 404, 413, 429, 503], file).toContain(status);
  return status;
}

function expectSameChat(actual: ReadChat, expected: ReadChat): void {
  expect(actual.text).toBe(expected.text);
  expect(actual.toolCalls.map(({ name }) => name)).toEqual(expected.toolCalls.map(({ name }) => name));
  for (const [at, call] of expected.toolCalls.entries()) {
    // Arguments that were cut off are no JSON; Anthropic's form has no place for such text.
    if (typeof call.arguments !== "string") expect(actual.toolCalls[at]).toEqual(call);
  }
  expect(actual.reasoning).toBe(expected.reasoning);
  expect(actual.finish).toBe(expected.finish);
  expect([actual.inputTokens, actual.outputTokens]).toEqual([expected.inputTokens, expected.outputTokens]);
}

/** In the native lane the client gets the very document: every field, also those nobody knows. */
function expectSameDocument(recording: Recording, wire: string, body: string): void {
  if (!recording.stream) {
    expect(JSON.parse(body)).toEqual(JSON.parse(wire));
    return;
  }
  const sent = dataLines(wire);
  const received = dataLines(body);
  // Usage is always asked for upstream; a client that did not ask does not see the frame that only holds it.
  const usageOnly = (data: string): boolean => {
    if (data === "[DONE]") return false;
    const json = JSON.parse(data);
    return Array.isArray(json.choices) && json.choices.length === 0 && json.usage !== undefined && json.usage !== null;
  };
  const asked = asksForUsage(recording);
  const expected = asked === true ? [...sent] : sent.filter((data) => !usageOnly(data));
  // Hosts that forget the end mark get it from the gateway: OpenAI's clients wait for it.
  if (recording.dialect === "openai" && expected.at(-1) !== "[DONE]") expected.push("[DONE]");
  expect(received).toEqual(expected);
}

function floats(embedding: unknown): readonly number[] {
  if (typeof embedding !== "string") return (embedding as number[]).map((value) => Math.fround(value));
  const bytes = Buffer.from(embedding, "base64");
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
}
