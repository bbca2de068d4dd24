import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const ANSWER_MS = 20;

/** A vendor in OpenAI's format whose answers say what they were asked: nobody can be given another's unnoticed. */
export class EchoingUpstream {
  arrivals = 0;
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { messages, stream } = JSON.parse(Buffer.concat(pieces).toString()) as {
      readonly messages: readonly { readonly content: string }[];
      readonly stream?: boolean;
    };
    this.arrivals += 1;
    await sleep(ANSWER_MS);
    const words = answerTo(messages.at(-1)?.content ?? "");
    const usage = { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 };
    const head = { id: "chatcmpl-1", created: 1, model: "echo" };
    if (stream !== true) {
      const choices = [{ index: 0, message: { role: "assistant", content: words }, finish_reason: "stop" }];
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ ...head, object: "chat.completion", choices, usage }));
      return;
    }
    response.setHeader("content-type", "text/event-stream");
    const say = (fields: object): void => {
      response.write(`data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", ...fields })}\n\n`);
    };
    for (const word of words.split(/(?<= )/)) {
      say({ choices: [{ index: 0, delta: { content: word }, finish_reason: null }] });
      await sleep(1);
    }
    say({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    say({ choices: [], usage });
    response.end("data: [DONE]\n\n");
  }
}

export function answerTo(question: string): string {
  return `You have asked: ${question} - and that is all.`;
}
