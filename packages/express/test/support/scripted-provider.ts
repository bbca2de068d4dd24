import { setTimeout as sleep } from "node:timers/promises";
import type { Attempt, CanonicalChatEvent, ChatEvent, ChatResult, Provider, Reply } from "@signalbox/kernel";
import { GatewayError, textOf } from "@signalbox/kernel";

export const SECRET = "sk-upstream-5f3a9c";

/** A provider whose models each behave in one way, and that notes what happened to its attempts. */
export class ScriptedProvider implements Provider {
  readonly name = "scripted";
  readonly operations: Provider["operations"] = { chat: (attempt) => this.#chat(attempt) };
  /** `performance.now()` at which attempts were aborted. */
  readonly abortedAt: number[] = [];
  readonly started: string[] = [];
  /** Bytes of text handed out by the model `flood`. */
  flooded = 0;
  /** Replies that have been closed, one way or another. */
  closed = 0;
  #failures = 0;

  async *#chat(attempt: Attempt<"chat">): Reply<"chat"> {
    const { signal, upstreamModel } = attempt;
    this.started.push(upstreamModel);
    const note = (): void => {
      this.abortedAt.push(performance.now());
    };
    signal.addEventListener("abort", note, { once: true });
    try {
      return yield* this.#behave(attempt);
    } finally {
      signal.removeEventListener("abort", note);
      this.closed += 1;
    }
  }

  async *#behave(attempt: Attempt<"chat">): Reply<"chat"> {
    const { signal, upstreamModel } = attempt;
    const text = textOf(attempt.request.messages[0]?.content ?? []);
    const wait = async (ms: number): Promise<void> => {
      await sleep(ms, undefined, { signal });
    };
    switch (upstreamModel) {
      case "echo":
        for (const letter of text) yield delta(letter);
        return result(text);
      case "whole":
        return result(text);
      case "slow":
        await wait(10_000);
        return result(text);
      case "silent":
        await wait(250);
        yield delta(text);
        await wait(250);
        return result(text);
      case "prelude":
        yield { type: "replyStart", id: "reply-1", model: "scripted-1", createdAt: 1_700_000_000 };
        await wait(400);
        yield delta(text);
        return result(text);
      case "silent-fault":
        await wait(250);
        throw new GatewayError("provider_error", "the upstream gave up");
      case "stuck":
        yield delta("begun");
        await wait(10_000);
        return result("begun");
      case "flood": {
        const piece = "x".repeat(16_384);
        for (;;) {
          if (signal.aborted) throw signal.reason;
          yield delta(piece);
          this.flooded += piece.length;
        }
      }
      case "frames": {
        const decoder = { push: () => [], end: () => result(text) };
        yield {
          type: "frame",
          dialect: "openai-chat",
          bytes: Buffer.from('data: {"raw":1}\n\n'),
          decoder,
        } as ChatEvent;
        await wait(5);
        yield {
          type: "frame",
          dialect: "openai-chat",
          bytes: Buffer.from('data: {"raw":2}\n\n'),
          decoder,
        } as ChatEvent;
        return result(text);
      }
      case "drops":
        attempt.trace.drop("logit_bias");
        attempt.trace.drop("seed");
        return result(text);
      case "limited":
        throw new GatewayError("provider_rate_limited", "slow down", { retryAfterMs: 1500, source: "scripted" });
      case "late-fault":
        yield delta("one");
        throw new GatewayError("provider_error", "the upstream broke off");
      case "bug":
        throw new Error(`connect failed with key ${SECRET}`);
      case "late-bug":
        yield delta("one");
        throw new Error(`connect failed with key ${SECRET}`);
      case "flaky":
        this.#failures += 1;
        if (this.#failures < 2) throw new GatewayError("provider_overloaded", "busy");
        return result(text);
      case "large":
        return result("y".repeat(8 * 1024 * 1024));
      default:
        throw new GatewayError("internal_error", `no script for ${upstreamModel}`);
    }
  }
}

function delta(text: string): CanonicalChatEvent {
  return { type: "partDelta", choice: 0, index: 0, delta: { type: "text", text } };
}

function result(text: string): ChatResult {
  return {
    id: "reply-1",
    model: "scripted-1",
    createdAt: 1_700_000_000,
    choices: [{ index: 0, content: [{ type: "text", text }], finishReason: "stop" }],
    usage: { inputTokens: 1, outputTokens: 1 },
  };
}
