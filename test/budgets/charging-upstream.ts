import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const INPUT_NANO = 1_000n;
const OUTPUT_NANO = 2_000n;
/** What it says without being told. */
const WORDS = 20;

/** A vendor that speaks OpenAI's format and keeps a bill of its own: what a budget must keep below its limit. */
export interface ChargingUpstream {
  readonly url: string;
  /** Nano-dollars, charged the moment that something is done. */
  readonly bill: bigint;
  readonly calls: number;
  close(): Promise<void>;
}

interface Wish {
  /** In the last message: `words=12 piece=1 gap=3 wait=10 status=500`. */
  readonly words: number;
  /** Words in one event of a stream. */
  readonly piece: number;
  readonly gap: number;
  readonly wait: number;
  readonly status: number;
}

/** What an upstream does beside answering. */
export interface ChargingOptions {
  /** Told before anything of it is answered. `id` is what the header `x-attempt` has said. */
  readonly charged?: (id: string, nano: bigint) => void;
  /** Words that it has produced and charges, and that nobody receives, when a stream is cut. Default 0. */
  readonly unseenWords?: number;
}

/** A word is a token; input counts a token for four bytes of its messages. */
export async function openCharging(options: ChargingOptions = {}): Promise<ChargingUpstream> {
  const unseen = BigInt(options.unseenWords ?? 0);
  let bill = 0n;
  let calls = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = JSON.parse(Buffer.concat(pieces).toString()) as {
      readonly messages: readonly { readonly content: string }[];
      readonly stream?: boolean;
      readonly max_tokens?: number;
      readonly max_completion_tokens?: number;
    };
    calls++;
    const id = String(request.headers["x-attempt"] ?? "");
    const charge = (nano: bigint): void => {
      bill += nano;
      options.charged?.(id, nano);
    };
    const { words, piece, gap, wait, status } = wishOf(body.messages.at(-1)?.content ?? "");
    if (status !== 200) {
      response.writeHead(status, { "content-type": "application/json" });
      response.end('{"error":{"message":"no","type":"server_error"}}');
      return;
    }
    const count = Math.min(words, body.max_tokens ?? body.max_completion_tokens ?? 50);
    const input = Math.ceil(JSON.stringify(body.messages).length / 4);
    charge(BigInt(input) * INPUT_NANO);
    const usage = { prompt_tokens: input, completion_tokens: count, total_tokens: input + count };
    const frame = { id: "c", created: 1_700_000_000, model: "m-1" };
    if (body.stream !== true) {
      charge(BigInt(count) * OUTPUT_NANO);
      if (wait > 0) await delay(wait);
      const message = { role: "assistant", content: "word ".repeat(count) };
      const choices = [{ index: 0, message, finish_reason: "stop" }];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ ...frame, object: "chat.completion", choices, usage }));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (choices: readonly object[], more: object = {}): void =>
      void response.write(
        `data: ${JSON.stringify({ ...frame, object: "chat.completion.chunk", choices, ...more })}\n\n`,
      );
    if (wait > 0) await delay(wait);
    for (let said = 0; said < count; said += piece) {
      const now = Math.min(piece, count - said);
      if (response.destroyed) {
        if (unseen > 0n) charge(unseen * OUTPUT_NANO);
        return;
      }
      charge(BigInt(now) * OUTPUT_NANO);
      send([{ index: 0, delta: { role: "assistant", content: "word ".repeat(now) }, finish_reason: null }]);
      if (gap > 0) await delay(gap);
    }
    send([{ index: 0, delta: {}, finish_reason: "stop" }]);
    send([], { usage });
    response.end("data: [DONE]\n\n");
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get bill() {
      return bill;
    },
    get calls() {
      return calls;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function wishOf(text: string): Wish {
  const number = (name: string, otherwise: number): number =>
    Number(new RegExp(`\\b${name}=(\\d+)`).exec(text)?.[1] ?? otherwise);
  return {
    words: number("words", WORDS),
    piece: Math.max(1, number("piece", 1)),
    gap: number("gap", 0),
    wait: number("wait", 0),
    status: number("status", 200),
  };
}
