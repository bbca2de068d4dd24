import type { CanonicalChatEvent } from "../chat/event.ts";
import type { ChatRequest, Message } from "../chat/request.ts";
import type { ChatResult } from "../chat/result.ts";
import { resultEvents } from "../chat/unfold.ts";
import type { CallInput, ChatFunction, ChatInput, ChatStream, EmbedInput, OpenCall, SdkOptions } from "../gateway.ts";
import type { OperationName, ResultOf } from "../operation.ts";
import type { EmbedResult } from "../operations/embed.ts";
import { resultOf } from "../reply.ts";

type Open = <Name extends OperationName>(input: CallInput<Name>) => OpenCall<Name>;

function chatRequest(input: ChatInput, stream: boolean): ChatRequest {
  const messages: Message[] = input.messages.map((message) =>
    typeof message.content === "string"
      ? { ...message, content: [{ type: "text", text: message.content }] }
      : (message as Message),
  );
  return { ...input, messages, ...(stream && { stream }) };
}

function callInput<Name extends OperationName>(
  operation: Name,
  request: CallInput<Name>["request"],
  options: SdkOptions,
): CallInput<Name> {
  const { signal, principal, ...rest } = options;
  return {
    operation,
    request,
    options: rest,
    ...(signal !== undefined && { signal }),
    ...(principal !== undefined && { principal }),
  };
}

/** A stream for code: starts when it is read, ends the call when the reader leaves early. */
class SdkChatStream implements ChatStream {
  readonly result: Promise<ChatResult>;
  readonly #opened: OpenCall<"chat">;
  #resolve!: (result: ChatResult) => void;
  #reject!: (error: unknown) => void;

  constructor(opened: OpenCall<"chat">) {
    this.#opened = opened;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever iterates sees the failure there; `result` alone must not end the process.
    this.result.catch(() => undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CanonicalChatEvent> {
    const { reply, cancel } = this.#opened;
    let ended = false;
    let streamed = false;
    try {
      for (;;) {
        const step = await reply.next();
        if (step.done === true) {
          ended = true;
          if (!streamed) yield* resultEvents(step.value);
          this.#resolve(step.value);
          return;
        }
        streamed = true;
        // Without a native request no provider answers with frames.
        yield step.value as CanonicalChatEvent;
      }
    } catch (error) {
      ended = true;
      this.#reject(error);
      throw error;
    } finally {
      if (!ended) {
        cancel();
        this.#reject(new Error("the stream was left before its end"));
        await reply.return(undefined as never);
      }
    }
  }
}

export function chatFunction(open: Open): ChatFunction {
  const chat = (input: ChatInput, options: SdkOptions = {}): Promise<ResultOf<"chat">> =>
    resultOf(open(callInput("chat", chatRequest(input, false), options)).reply);
  const stream = (input: ChatInput, options: SdkOptions = {}): ChatStream =>
    new SdkChatStream(open(callInput("chat", chatRequest(input, true), options)));
  return Object.assign(chat, { stream });
}

export function embedFunction(open: Open): (input: EmbedInput, options?: SdkOptions) => Promise<EmbedResult> {
  return ({ model, input, dimensions }, options = {}) =>
    resultOf(
      open(
        callInput(
          "embed",
          {
            model,
            inputs: typeof input === "string" ? [input] : input,
            ...(dimensions !== undefined && { dimensions }),
          },
          options,
        ),
      ).reply,
    );
}
