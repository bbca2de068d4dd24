import { z } from "zod";
import type { Call, Plugin } from "@signalbox/kernel";
import { isCall, textOf } from "@signalbox/kernel";
import type { Judgement, RemoteQuestion, TextJudge } from "@signalbox/kernel/guardrails";
import { remoteGuardrail, remotePlugin } from "@signalbox/kernel/guardrails";
import { LLAMA_GUARD_CATEGORIES } from "./categories.ts";
import type { LlamaGuardrailOptions } from "./options.ts";
import { checkOptions } from "./options.ts";

const LONGEST = 16_000;
/** Of the question that a reply answers, its end. */
const LONGEST_QUESTION = 4_000;
/** The longest answer names all categories. */
const MOST_TOKENS = 100;

const Answer = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1) });

interface Turn {
  readonly role: "user" | "assistant";
  readonly text: string;
}

/**
 * Guardrails by Llama Guard: a chat model that answers `safe`, or `unsafe` and categories. Replies are judged with the
 * question they answer.
 *
 * ```ts
 * llamaGuardrails([{ name: "llama-guard", model: "llama-guard-4" }]);
 * ```
 *
 * @throws {GatewayError} `option_invalid`
 */
export function llamaGuardrails(list: readonly LlamaGuardrailOptions[]): Plugin {
  checkOptions(list);
  return remotePlugin(
    "guardrail-llama-guard",
    list.map((options) => remoteGuardrail(options, llamaJudge(options))),
  );
}

function llamaJudge({ model, baseUrl, apiKey, categories }: LlamaGuardrailOptions): TextJudge {
  async function answerTo(turns: readonly Turn[], question: RemoteQuestion): Promise<string> {
    if (baseUrl === undefined) {
      const messages = turns.map(({ role, text }) => ({ role, content: [{ type: "text" as const, text }] }));
      const request = { model, messages, temperature: 0, maxOutputTokens: MOST_TOKENS };
      const { choices } = await question.ask("chat", request);
      return textOf(choices[0]?.content ?? []);
    }
    const messages = turns.map(({ role, text }) => ({ role, content: text }));
    const answer = await question.send({
      url: `${baseUrl.replace(/\/+$/, "")}/chat/completions`,
      headers: { authorization: apiKey && `Bearer ${apiKey.reveal()}` },
      body: { model, messages, temperature: 0, max_tokens: MOST_TOKENS },
    });
    return Answer.parse(answer).choices[0]?.message.content ?? "";
  }

  async function judgementOf(text: string, question: RemoteQuestion): Promise<Judgement> {
    const isReply = question.mode === "output";
    const turns: readonly Turn[] = isReply
      ? [
          { role: "user", text: lastQuestion(question.call) || "…" },
          { role: "assistant", text },
        ]
      : [{ role: "user", text }];
    return judgement(await answerTo(turns, question), categories);
  }

  return {
    maxCharacters: LONGEST,
    keyOf: (call, mode) => (mode === "output" ? lastQuestion(call) : ""),
    judge: async (texts, question) => await Promise.all(texts.map((text) => judgementOf(text, question))),
  };
}

/** The last words of the user. */
function lastQuestion(call: Call): string {
  if (!isCall(call, "chat")) return "";
  const message = call.request.messages.findLast(({ role }) => role === "user");
  return message === undefined ? "" : textOf(message.content).slice(-LONGEST_QUESTION);
}

/** @throws {RangeError} for anything but `safe` and `unsafe`: a model that talks has not judged */
function judgement(answer: string, only: readonly string[] | undefined): Judgement {
  const [verdict = "", ...rest] = answer.trim().split(/\s+/);
  if (verdict === "safe" && rest.length === 0) return {};
  if (verdict !== "unsafe") throw new RangeError("the model has answered with neither safe nor unsafe");
  const named = rest.join(" ").match(/\bS\d{1,3}\b/g) ?? [];
  const kinds = named.length === 0 ? ["unsafe"] : [...new Set(named)].filter((kind) => only?.includes(kind) ?? true);
  return {
    categories: kinds.map((kind) => {
      const meaning = LLAMA_GUARD_CATEGORIES[kind];
      return { kind, ...(meaning !== undefined && { reason: `it contains ${kind} (${meaning})` }) };
    }),
  };
}
