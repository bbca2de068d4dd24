import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import OpenAI from "openai";
import { table } from "../../bench/rows.ts";
import type { Check } from "../../checks.ts";
import { atLeast, atMost } from "../../checks.ts";
import { OwnRedis } from "../../redis/own-redis.ts";
import { answerTo, EchoingUpstream } from "../cache/echoing-upstream.ts";
import { GatewayProgram } from "../gateway-program.ts";
import type { Scenario, ScenarioWishes } from "../scenario.ts";

const CLIENTS = 64;
const TROUBLE_MS = 4_000;
/** A look that fails costs its time limit, and what a busy processor adds. */
const MOST_WAIT_MS = 50 + 150;
/**
 * Of one call that meets a Redis that has just gone: a look and a claim. Before anybody can know, all that are under way
 * wait; then one tries again each second, later each eight.
 */
const MOST_SLOW = CLIENTS * 2 + 10;
const BACK_MS = 15_000;
/** Of the calls that are asked again and again. */
const QUESTIONS = 40;

/** How long calls have waited for the cache since it was asked last. */
export interface CacheWaits {
  readonly slow: number;
  readonly longestMs: number;
}

interface Trouble {
  readonly name: string;
  begin(redis: OwnRedis, admin: Redis): Promise<void>;
  end(redis: OwnRedis, admin: Redis): Promise<void>;
  /** What readiness or `/cache/ping` says meanwhile. */
  readonly visible: RegExp;
  /** Redis answers, only not as it should: nobody waits for it. */
  readonly answers?: boolean;
}

const TROUBLES: readonly Trouble[] = [
  {
    name: "paused",
    begin: async (redis) => redis.pause(),
    end: async (redis) => redis.resume(),
    visible: /answers are not cached/,
  },
  {
    name: "killed",
    begin: (redis) => redis.kill(),
    end: (redis) => redis.start(),
    visible: /answers are not cached/,
  },
  {
    name: "restarted",
    async begin(redis) {
      await redis.kill();
      await redis.start();
    },
    end: async () => undefined,
    // it is well again before anybody can look
    visible: /hits/,
    answers: true,
  },
  {
    name: "full",
    async begin(_redis, admin) {
      await admin.config("SET", "maxmemory-policy", "noeviction");
      await admin.config("SET", "maxmemory", "1");
    },
    async end(_redis, admin) {
      await admin.config("SET", "maxmemory", "0");
    },
    visible: /[1-9]\d* answers not kept/,
    answers: true,
  },
  {
    name: "refusing auth",
    async begin(_redis, admin) {
      await admin.config("SET", "requirepass", "another-password");
      await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    },
    async end(_redis, admin) {
      await admin.config("SET", "requirepass", "");
    },
    visible: /answers are not cached/,
  },
];

export const scenario: Scenario = {
  about: "the Redis of the cache is paused, killed, restarted, filled and locked while 64 clients ask",
  async run({ only }: ScenarioWishes) {
    const upstream = new EchoingUpstream();
    const url = await upstream.listen();
    const rows: Record<string, string | number>[] = [];
    const checks: Check[] = [];
    for (const chain of [false, true]) {
      for (const trouble of TROUBLES) {
        const name = chain ? `${trouble.name}, memory before` : trouble.name;
        if (only !== undefined && !only.includes(trouble.name)) continue;
        checks.push(...(await round(name, trouble, url, chain, rows)));
      }
    }
    upstream.close();
    console.log(`\n${table(rows)}\n`);
    return checks;
  },
};

async function round(
  name: string,
  trouble: Trouble,
  url: string,
  chain: boolean,
  rows: Record<string, string | number>[],
): Promise<Check[]> {
  const redis = await OwnRedis.start();
  const program = "programs/cache-gateway.ts";
  const gateway = await GatewayProgram.start(url, { program, arguments: [String(redis.port), chain ? "chain" : ""] });
  const crowd = new Crowd(gateway);
  try {
    await crowd.during(() => sleep(1_500));
    const well = crowd.figures();
    const usual = await gateway.ask<CacheWaits>("waits");

    let seen = "";
    const admin = new Redis({ port: redis.port, maxRetriesPerRequest: 0 });
    admin.on("error", () => undefined);
    await admin.ping();
    await crowd.during(async () => {
      await trouble.begin(redis, admin);
      const until = performance.now() + TROUBLE_MS;
      while (performance.now() < until && !trouble.visible.test(seen)) {
        await sleep(250);
        seen = await crowd.health();
      }
      await sleep(Math.max(0, until - performance.now()));
    });
    const ill = crowd.figures();
    const waits = await gateway.ask<CacheWaits>("waits");

    await trouble.end(redis, admin);
    admin.disconnect();
    const backMs = await hitsBack(crowd);
    crowd.figures();
    await crowd.during(() => sleep(1_500));
    const after = crowd.figures();
    for (const [phase, figures] of [
      ["well", well],
      ["in trouble", ill],
      ["after", after],
    ] as const) {
      rows.push({ round: name, phase, ...figures, ...(phase === "in trouble" && { "slow looks": waits.slow }) });
    }
    const { activeCalls } = await gateway.state();
    // a busy machine is no trouble of Redis
    const mostSlow = MOST_SLOW + Math.ceil((usual.slow * ill.calls * 2) / well.calls);
    return [
      atMost(`${name}: calls that fail or are wrong`, well.wrong + ill.wrong + after.wrong, 0, ""),
      atMost(`${name}: longest look`, waits.longestMs, MOST_WAIT_MS, "ms"),
      atMost(`${name}: looks that take their time`, waits.slow, mostSlow, ""),
      atLeast(`${name}: seen in readiness or /cache/ping`, trouble.visible.test(seen) ? 1 : 0, 1, ""),
      atLeast(`${name}: calls in trouble`, ill.calls, CLIENTS, ""),
      atMost(`${name}: until hits are back`, backMs, BACK_MS, "ms"),
      atLeast(`${name}: hits afterwards`, after.hits, CLIENTS, ""),
      atMost(`${name}: calls left`, activeCalls, 0, ""),
    ];
  } finally {
    await gateway.stop();
    await redis.stop();
  }
}

async function hitsBack(crowd: Crowd): Promise<number> {
  const startedAt = performance.now();
  const before = await crowd.redisHits();
  while (performance.now() - startedAt < BACK_MS * 2) {
    await crowd.during(() => sleep(100));
    if ((await crowd.redisHits()) > before) return performance.now() - startedAt;
  }
  return Number.POSITIVE_INFINITY;
}

interface Figures {
  readonly calls: number;
  readonly wrong: number;
  readonly hits: number;
  readonly "p50 ms": number;
  readonly "p99 ms": number;
}

/** Clients that ask without pause: half of the calls are streamed, and of three one is new to everybody. */
class Crowd {
  readonly #gateway: GatewayProgram;
  readonly #client: OpenAI;
  #times: number[] = [];
  #wrong = 0;
  #hits = 0;
  #asked = 0;

  constructor(gateway: GatewayProgram) {
    this.#gateway = gateway;
    const { port, key } = gateway;
    this.#client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: key, maxRetries: 0 });
  }

  async during(work: () => Promise<void>): Promise<void> {
    let over = false;
    const asking = Array.from({ length: CLIENTS }, async () => {
      while (!over) await this.#next();
    });
    try {
      await work();
    } finally {
      over = true;
      await Promise.all(asking);
    }
  }

  /** What has been seen since it was asked last. */
  figures(): Figures {
    const times = this.#times.toSorted((one, other) => one - other);
    const at = (share: number): number => Math.round(times[Math.floor((times.length - 1) * share)] ?? Number.NaN);
    const figures = {
      calls: times.length,
      wrong: this.#wrong,
      hits: this.#hits,
      "p50 ms": at(0.5),
      "p99 ms": at(0.99),
    };
    this.#times = [];
    this.#wrong = 0;
    this.#hits = 0;
    return figures;
  }

  /** What administrators and probes see. */
  async health(): Promise<string> {
    const { port, key } = this.#gateway;
    const headers = { authorization: `Bearer ${key}` };
    const pages = ["/health/readiness", "/cache/ping"].map((path) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers }).then((response) => response.text()),
    );
    return (await Promise.all(pages)).join("\n");
  }

  async redisHits(): Promise<number> {
    const { port, key } = this.#gateway;
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`http://127.0.0.1:${port}/cache/stats`, { headers });
    const { "cache-redis": redis } = (await response.json()) as Record<string, { readonly hits: number }>;
    return redis?.hits ?? 0;
  }

  async #next(): Promise<void> {
    const number = this.#asked++;
    const question = number % 3 === 0 ? `new question ${number}` : `question ${number % QUESTIONS}`;
    const startedAt = performance.now();
    try {
      const { text, hit } = await this.#ask(question, number % 2 === 0);
      if (text !== answerTo(question)) this.#wrong += 1;
      if (hit) this.#hits += 1;
    } catch (error) {
      this.#wrong += 1;
      console.log(`    ${String(error)}`);
    }
    this.#times.push(performance.now() - startedAt);
  }

  async #ask(content: string, streamed: boolean): Promise<{ readonly text: string; readonly hit: boolean }> {
    const request = { model: "chat", messages: [{ role: "user" as const, content }] };
    const { completions } = this.#client.chat;
    if (!streamed) {
      const { data, response } = await completions.create(request).withResponse();
      return { text: data.choices[0]?.message.content ?? "", hit: isHit(response) };
    }
    const { data, response } = await completions.create({ ...request, stream: true }).withResponse();
    let text = "";
    for await (const { choices } of data) text += choices[0]?.delta.content ?? "";
    return { text, hit: isHit(response) };
  }
}

function isHit({ headers }: Response): boolean {
  return headers.get("x-signalbox-cache") === "hit";
}
