import type {
  Attempt,
  ChatEvent,
  ChatResult,
  Deployment,
  Entry,
  Gateway,
  GatewayOptions,
  Plugin,
  Principal,
  ReservationAnswer,
  ReservationRequest,
  Settlement,
  Usage,
} from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { MemoryLedger } from "@signalbox/kernel/testkit";
import type { BudgetsOptions } from "@signalbox/plugin-budgets";
import { budgets } from "@signalbox/plugin-budgets";
import { TestPricing } from "./test-pricing.ts";

/** A ledger that remembers what it was asked. */
export class WatchedLedger extends MemoryLedger {
  readonly entries: Entry[] = [];
  readonly reserved: ReservationRequest[] = [];
  readonly held: Set<string> = new Set();
  readonly dispatchedIds: string[] = [];
  readonly ended: { readonly id: string; readonly status: string; readonly actual: bigint }[] = [];
  /** What the next operations fail with. */
  outage: Error | undefined;

  override async reserve(request: ReservationRequest): Promise<ReservationAnswer> {
    if (this.outage !== undefined) throw this.outage;
    this.reserved.push(request);
    const answer = await super.reserve(request);
    if (answer.held) this.held.add(request.id);
    return answer;
  }

  dispatched(id: string): void {
    this.dispatchedIds.push(id);
  }

  override async settle(settlement: Settlement): Promise<void> {
    this.ended.push(settlement);
    await super.settle(settlement);
  }

  override async void(id: string): Promise<void> {
    this.ended.push({ id, status: "void", actual: 0n });
    await super.void(id);
  }

  override async append(entry: Entry): Promise<void> {
    if (this.outage !== undefined) throw this.outage;
    this.entries.push(entry);
    await super.append(entry);
  }
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly ledger: WatchedLedger;
  readonly budgets: Plugin;
  readonly attempts: readonly Attempt<"chat">[];
}

export interface TestGatewayParts extends Partial<Omit<GatewayOptions, "plugins">> {
  readonly budgets?: BudgetsOptions;
  readonly plugins?: readonly Plugin[];
  readonly script: (attempt: Attempt<"chat">) => AsyncGenerator<ChatEvent, ChatResult, void>;
}

/** A gateway whose upstream is a script, with a ledger that can be looked into. */
export async function testGateway(parts: TestGatewayParts): Promise<TestGateway> {
  const { budgets: options, plugins = [], script, ...rest } = parts;
  const ledger = new WatchedLedger();
  const attempts: Attempt<"chat">[] = [];
  const plugin = budgets(options);
  const gateway = await createGateway({
    ...rest,
    deployments: rest.deployments ?? [deployment("d")],
    plugins: [
      {
        name: "shop",
        providers: [
          {
            name: "shop",
            operations: {
              chat: (attempt) => {
                attempts.push(attempt);
                return script(attempt);
              },
            },
          },
        ],
        ledger,
        pricing: new TestPricing(),
      },
      ...plugins,
      plugin,
    ],
  });
  return { gateway, ledger, budgets: plugin, attempts };
}

export function deployment(id: string, more: Partial<Deployment> = {}): Deployment {
  return { id, model: "m", provider: "shop", upstreamModel: "m-1", ...more };
}

export function caller(more: Partial<Principal> = {}): Principal {
  return { id: "k-1", kind: "key", admin: false, models: ["*"], ...more };
}

/** 30 bytes of messages as JSON, so that the bound is 30 + 10 · 100 = 1,030. */
export const REQUEST = { model: "m", messages: [{ role: "user" as const, content: [] }] };

export function replyStart(usage?: Usage): ChatEvent {
  return { type: "replyStart", id: "r", model: "m-1", createdAt: 1, ...(usage !== undefined && { usage }) };
}

export function textOf(words: readonly string[]): ChatEvent[] {
  return [
    { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } },
    ...words.map((text): ChatEvent => ({ type: "partDelta", choice: 0, index: 0, delta: { type: "text", text } })),
    { type: "partEnd", choice: 0, index: 0 },
    { type: "choiceEnd", choice: 0, finishReason: "stop" },
  ];
}

export function chatResult(usage: Usage): ChatResult {
  return {
    id: "r",
    model: "m-1",
    createdAt: 1,
    choices: [{ index: 0, content: [{ type: "text", text: "hi" }], finishReason: "stop" }],
    usage,
  };
}

/** Answers without events. */
export function answers(usage: Usage): (attempt: Attempt<"chat">) => AsyncGenerator<ChatEvent, ChatResult, void> {
  // biome-ignore lint/correctness/useYield: a reply without events is a reply
  return async function* () {
    return chatResult(usage);
  };
}

/** Every reservation that was held has exactly one end, and every attempt exactly one entry. */
export function accounts({ ledger }: TestGateway): {
  readonly unended: readonly string[];
  readonly twice: readonly string[];
  readonly entries: readonly string[];
} {
  const ends = ledger.ended.map(({ id }) => id);
  return {
    unended: [...ledger.held].filter((id) => !ends.includes(id)),
    twice: ends.filter((id, at) => ends.indexOf(id) !== at),
    entries: ledger.entries.map(({ id, status }) => `${id.split("/")[1]} ${status}`),
  };
}
