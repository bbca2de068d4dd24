import { describe, it } from "vitest";
import type { Provider, Usage } from "@signalbox/kernel";
import type {
  ChatScenario,
  ErrorScenario,
  ErrorScenarios,
  ExpectedChat,
  ProviderCapabilities,
  ProviderWire,
} from "@signalbox/kernel/testkit";
import { testProvider } from "@signalbox/kernel/testkit";
import type { Counts, HostStyle, Said } from "./host-wire.ts";
import { frames, hostChunks, hostReply, hostStream } from "./host-wire.ts";

/** A host as its documentation shows it. */
interface HostKit {
  readonly provider: () => Provider;
  readonly style: HostStyle;
  /** What the host says about costs. */
  readonly costs?: Partial<Usage>;
  /** A model of the host that has all its peculiarities. */
  readonly model?: string;
  readonly errors: ErrorScenarios;
  readonly unsupported?: ProviderWire["unsupported"];
  /** The host has no `/completions`: text completions are asked as chats. */
  readonly chatsOnly?: boolean;
  readonly more?: Readonly<Record<string, (style: HostStyle) => ChatScenario>>;
  readonly without: readonly (keyof ProviderCapabilities)[];
}

const HALF: Said = { text: "He", finish: "stop", counts: { input: 1, output: 1 } };

/** As OpenAI writes it. */
export function usage(counts: Counts): object {
  const { input, output, cached = 0, reasoning = 0 } = counts;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

export function failed(status: number, body: object, more: Partial<ErrorScenario> = {}): ErrorScenario {
  return { exchange: { status, body }, ...more };
}

/** After some chunks the host sends an error in place of the next one. */
export function cutBy(style: HostStyle, frame: string): ErrorScenario {
  const begun = hostChunks(style, HALF).slice(0, 3);
  return { exchange: { bodyText: `${style.comments ?? ""}${frames(begun)}${frame}` } };
}

/** Hands the host to the conformance suite. */
export function testHost(kit: HostKit): void {
  const { style, costs = {}, without } = kit;
  const deployment = kit.model === undefined ? {} : { deployment: { upstreamModel: kit.model } };
  const off = Object.fromEntries(without.map((capability) => [capability, false]));

  function scenario(said: Said, expected: Omit<ExpectedChat, "usage">): ChatScenario {
    const { input, output, cached, reasoning } = said.counts;
    return {
      ...deployment,
      reply: hostReply(style, said),
      stream: hostStream(style, said),
      expected: {
        ...expected,
        usage: {
          inputTokens: input,
          outputTokens: output,
          ...(cached !== undefined && { cacheReadTokens: cached }),
          ...(reasoning !== undefined && { reasoningTokens: reasoning }),
          ...costs,
        },
      },
    };
  }

  const text = scenario(
    { text: "Grüße, 世界 🌍!", finish: "stop", counts: { input: 12, output: 7 } },
    { text: "Grüße, 世界 🌍!", finishReason: "stop" },
  );
  const completion =
    kit.chatsOnly === true
      ? text.reply
      : {
          body: {
            id: "c-1",
            object: "text_completion",
            created: 1_793_000_000,
            model: "host-model",
            choices: [{ index: 0, text: "Grüße, 世界 🌍!", logprobs: null, finish_reason: "stop" }],
            usage: usage({ input: 12, output: 7 }),
          },
        };

  testProvider({
    runner: { describe, it },
    provider: kit.provider,
    deployment: ({ baseUrl, apiKey }) => ({ baseUrl: `${baseUrl}/v1`, apiKey }),
    wire: {
      chat: {
        text,
        toolCall: scenario(
          { calls: [{ id: "call_1", city: "Bonn" }], finish: "tool_calls", counts: { input: 60, output: 15 } },
          {
            toolCalls: [{ id: "call_1", name: "get_weather", arguments: { city: "Bonn" } }],
            finishReason: "toolCalls",
          },
        ),
        parallelToolCalls: scenario(
          {
            text: "Both.",
            calls: [
              { id: "call_1", city: "Bonn" },
              { id: "call_2", city: "Oslo" },
            ],
            finish: "tool_calls",
            counts: { input: 61, output: 33 },
          },
          {
            text: "Both.",
            toolCalls: [
              { id: "call_1", name: "get_weather", arguments: { city: "Bonn" } },
              { id: "call_2", name: "get_weather", arguments: { city: "Oslo" } },
            ],
            finishReason: "toolCalls",
          },
        ),
        ...(!without.includes("reasoning") && {
          reasoning: scenario(
            {
              text: "42",
              reasoning: "Six times seven.",
              finish: "stop",
              counts: { input: 20, output: 31, reasoning: 24 },
            },
            { text: "42", reasoning: "Six times seven.", finishReason: "stop" },
          ),
        }),
        ...(!without.includes("refusal") && {
          refusal: scenario(
            { refusal: "I cannot help with that.", finish: "stop", counts: { input: 18, output: 8 } },
            { refusal: "I cannot help with that.", finishReason: "stop" },
          ),
        }),
        cachedUsage: scenario(
          { text: "Yes.", finish: "stop", counts: { input: 2048, output: 3, cached: 1920 } },
          { text: "Yes.", finishReason: "stop" },
        ),
        length: scenario(
          { text: "Once upon a time", finish: "length", counts: { input: 9, output: 5 } },
          { text: "Once upon a time", finishReason: "length" },
        ),
        more: Object.fromEntries(
          Object.entries(kit.more ?? {}).map(([name, make]) => [name, { ...make(style), ...deployment }]),
        ),
      },
      errors: kit.errors,
      operations: {
        complete: [
          {
            request: { prompts: ["Once"] },
            ...(completion !== undefined && { reply: completion }),
            expected: {
              model: "host-model",
              choices: [{ index: 0, text: "Grüße, 世界 🌍!", finishReason: "stop" }],
            },
          },
        ],
        countTokens: [
          {
            request: {
              chat: { model: "m", messages: [{ role: "user", content: [{ type: "text", text: "12345678" }] }] },
            },
            expected: { inputTokens: 6, estimated: true },
          },
        ],
        embed: [
          {
            request: { inputs: ["one", "two"] },
            reply: {
              body: {
                object: "list",
                data: [
                  { object: "embedding", index: 0, embedding: [0.5, -0.5] },
                  { object: "embedding", index: 1, embedding: [0.25, 1] },
                ],
                model: "host-embedder",
                usage: { prompt_tokens: 2, total_tokens: 2 },
              },
            },
            expected: {
              model: "host-embedder",
              embeddings: [
                [0.5, -0.5],
                [0.25, 1],
              ],
              usage: { inputTokens: 2, outputTokens: 0 },
            },
          },
        ],
      },
      ...(kit.unsupported !== undefined && { unsupported: kit.unsupported }),
      ...(!without.includes("listModels") && {
        listModels: {
          reply: {
            body: { object: "list", data: [{ id: "one/small", object: "model", created: 1, owned_by: "one" }] },
          },
          ids: ["one/small"],
        },
      }),
    },
    capabilities: off,
  });
}
