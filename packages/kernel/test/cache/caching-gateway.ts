import type { Cache, CachePolicy, ChatResult, EmbedRequest, Gateway, OpenCall, Principal } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { memoryCache } from "@signalbox/kernel/testkit";
import type { Script } from "../support/driven-gateway.ts";
import { scripted, textResult } from "../support/scripted-provider.ts";

export const TEAM: Principal = {
  id: "key-1",
  kind: "key",
  admin: false,
  models: ["*"],
  organizationId: "org",
  teamId: "team",
};

export interface CachingGateway {
  readonly gateway: Gateway;
  /** The requests that the provider was asked, in order. */
  readonly asked: unknown[];
  /** Milliseconds to add to the clock of the cache. */
  skip(ms: number): void;
}

/** Every answer is another one: `answer 1`, `answer 2`, …; of an embed request `[place in asked, length of the text]`. */
export async function cachingGateway(
  parts: { readonly policy?: CachePolicy; readonly script?: Script; readonly cache?: Cache } = {},
): Promise<CachingGateway> {
  const asked: unknown[] = [];
  let skipped = 0;
  const provider = scripted("shop", (attempt) => {
    asked.push(attempt.request);
    return parts.script === undefined ? answer(asked.length) : parts.script(attempt);
  });
  const gateway = await createGateway({
    plugins: [
      { name: "cache", cache: parts.cache ?? memoryCache({ now: () => Date.now() + skipped }) },
      {
        name: "vendors",
        providers: [
          {
            ...provider,
            operations: {
              ...provider.operations,
              // biome-ignore lint/correctness/useYield: a reply without events
              async *embed({ request }) {
                asked.push(request);
                return vectors(request, asked.length);
              },
            },
          },
        ],
      },
    ],
    ...(parts.policy !== undefined && { caching: parts.policy }),
  });
  return {
    gateway,
    asked,
    skip(ms) {
      skipped += ms;
    },
  };
}

// biome-ignore lint/correctness/useYield: a reply without events
async function* answer(number: number): ReturnType<Script> {
  return textResult(`answer ${number}`);
}

function vectors({ inputs }: EmbedRequest, call: number) {
  return {
    model: "m",
    embeddings: inputs.map((input) => [call, input.length]),
    usage: { inputTokens: inputs.length * 10, outputTokens: 0 },
  };
}

interface Answered {
  readonly text: string;
  readonly outcome: string | undefined;
  readonly reason: string | undefined;
  readonly header: (name: string) => string | undefined;
}

export function asking(
  gateway: Gateway,
  fields: object = {},
  { principal = TEAM, ...options }: { principal?: Principal } & object = {},
): OpenCall<"chat"> {
  return gateway.open({
    operation: "chat",
    request: { model: "shop/m", messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }], ...fields },
    principal,
    options,
  });
}

export async function ask(gateway: Gateway, fields: object = {}, options: object = {}): Promise<Answered> {
  return await read(asking(gateway, fields, options));
}

export async function read(open: OpenCall<"chat">): Promise<Answered> {
  let result: ChatResult | undefined;
  for (;;) {
    const step = await open.reply.next();
    if (step.done !== true) continue;
    result = step.value;
    break;
  }
  const [part] = result.choices[0]?.content ?? [];
  const header = headerOf(open);
  return {
    text: part?.type === "text" ? part.text : "",
    outcome: header("x-signalbox-cache"),
    reason: header("x-signalbox-cache-reason"),
    header,
  };
}

export function headerOf({ call }: Pick<OpenCall<"chat" | "embed">, "call">): (name: string) => string | undefined {
  return (name) => {
    const { headers = [] } = call.trace;
    const at = headers.indexOf(name);
    return at < 0 ? undefined : headers[at + 1];
  };
}
