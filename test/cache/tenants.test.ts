import { afterEach, describe, expect, it } from "vitest";
import type { ChatRequest, Plugin, Principal, Provider } from "@signalbox/kernel";
import { createGateway, replyOf } from "@signalbox/kernel";
import { memoryCache } from "@signalbox/plugin-cache-memory";
import { redisCache } from "@signalbox/plugin-cache-redis";
import { ownNamespace } from "../redis/own-namespace.ts";
import { redisUrl } from "../services/index.ts";

const CALLS = 10_000;
const TEAMS = 40;
const QUESTIONS = 25;

const ended: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

/** An answer in which every line names who asked what. */
function answerFor(team: string, question: string): string {
  return `For ${team}: ${question}.\n`.repeat(40);
}

const shop: Provider = {
  name: "shop",
  operations: {
    chat: ({ request, principal }) =>
      replyOf<"chat">(async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        const [part] = (request as ChatRequest).messages[0]?.content ?? [];
        const text = answerFor(principal.teamId ?? "", part?.type === "text" ? part.text : "");
        const choices = [{ index: 0, content: [{ type: "text" as const, text }], finishReason: "stop" as const }];
        return { id: "r", model: "m", createdAt: 1, choices, usage: { inputTokens: 1, outputTokens: 1 } };
      }),
  },
};

const SHARED = async (): Promise<Plugin> =>
  redisCache({ url: await redisUrl(), namespace: ownNamespace(), timeoutMs: 30_000 });

describe("ten thousand calls at once, of many teams with the same questions", () => {
  it.each([
    ["memory", async () => [memoryCache()]],
    ["Redis", async () => [await SHARED()]],
    ["memory before Redis", async () => [memoryCache({ maxEntries: 100 }), await SHARED()]],
  ] as const)("never get a byte of another's from %s", { timeout: 60_000 }, async (_name, caches) => {
    const gateway = await createGateway({
      plugins: [{ name: "vendors", providers: [shop] }, ...(await caches())],
      timeoutMs: 60_000,
    });
    ended.push(() => gateway.close());
    const outcomes = new Map<string, number>();
    const wrong: string[] = [];
    const ask = async (number: number): Promise<void> => {
      // every team asks every question many times
      const team = `team-${number % TEAMS}`;
      const question = `What is number ${Math.floor(number / TEAMS) % QUESTIONS}?`;
      const principal: Principal = {
        id: `key-${number % 333}`,
        kind: "key",
        admin: false,
        models: ["*"],
        teamId: team,
      };
      const { call, reply } = gateway.open({
        operation: "chat",
        request: { model: "shop/m", messages: [{ role: "user", content: [{ type: "text", text: question }] }] },
        principal,
      });
      const step = await reply.next();
      if (step.done !== true) throw new Error("no events were expected");
      const [part] = step.value.choices[0]?.content ?? [];
      const text = part?.type === "text" ? part.text : "";
      if (text !== answerFor(team, question)) wrong.push(`${team} was given ${text.slice(0, 60)}`);
      const outcome = call.trace.cached?.outcome ?? "none";
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    };
    await Promise.all(Array.from({ length: CALLS }, (_, at) => ask(at)));
    expect(wrong).toEqual([]);
    expect(outcomes.get("miss")).toBe(TEAMS * QUESTIONS);
    expect((outcomes.get("hit") ?? 0) + (outcomes.get("shared") ?? 0)).toBe(CALLS - TEAMS * QUESTIONS);
  });
});
