import { setTimeout as sleep } from "node:timers/promises";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import type { Check } from "../../checks.ts";
import { atLeast, atMost } from "../../checks.ts";
import { GatewayProgram } from "../gateway-program.ts";
import type { Mood } from "../moody-upstream.ts";
import { MoodyUpstream } from "../moody-upstream.ts";
import type { Scenario } from "../scenario.ts";

const ANSWER = { words: Array.from({ length: 12 }, (_, at) => `word-${at}. `), gapMs: 1 };
const WHOLE = ANSWER.words.join("");
const UPSTREAMS = 5;
const CLIENTS = 48;
const CALLS = 1_500;
/** The gateway's total time for a call. */
const DEADLINE_MS = 10_000;
const SETTLE_MS = 2_000;
/** Of the traffic that falls to an upstream. */
const MOST_TRAFFIC = 1.2;
/**
 * Tries before anybody can know that an upstream is ill: those that are under way together. They do not grow with the
 * traffic.
 */
const UNKNOWING = CLIENTS;

/** Trouble for all upstreams but one, which changes from round to round. */
const TROUBLES: readonly { readonly name: string; readonly moods: readonly Mood[] }[] = [
  { name: "429 storm", moods: ["limited"] },
  { name: "5xx burst", moods: ["broken"] },
  { name: "connections refused", moods: ["refusing"] },
  { name: "black holes", moods: ["silent"] },
  { name: "heads without bodies", moods: ["mute"] },
  { name: "slow starts", moods: ["late"] },
  { name: "resets", moods: ["reset"] },
  { name: "flapping", moods: ["flapping"] },
  { name: "all kinds at once", moods: ["limited", "broken", "silent", "reset"] },
];

interface Call {
  /** Words, or part of them. */
  readonly text: string;
  readonly ms: number;
  /** Whether an event had come when the call failed. */
  readonly begun: boolean;
  readonly error?: unknown;
}

type Client = (index: number) => Promise<Call>;

export const scenario: Scenario = {
  about: "upstreams refuse, fail, hang, break off and flap, until one is left, and then none",
  async run() {
    const upstreams = Array.from({ length: UPSTREAMS }, () => new MoodyUpstream(ANSWER));
    const urls = await Promise.all(upstreams.map((upstream) => upstream.listen()));
    const checks: Check[] = [];
    for (const [at, { name, moods }] of TROUBLES.entries()) {
      const healthy = at % UPSTREAMS;
      const ill = upstreams.filter((_, index) => index !== healthy);
      const well = upstreams[healthy] as MoodyUpstream;
      for (const [index, upstream] of ill.entries()) upstream.change(moods[index % moods.length] as Mood);
      well.change("well");
      checks.push(
        ...(await withGateway(urls, [], async (gateway) => verdict(name, await drive(gateway), ill, [well]))),
      );
    }
    checks.push(...(await withGateway(urls, [], (gateway) => regionDown(upstreams, gateway))));
    checks.push(...(await withGateway(urls, [], (gateway) => allDown(upstreams, gateway))));
    checks.push(...(await withGateway(urls, ["continue"], (gateway) => continuedStreams(upstreams, gateway))));
    for (const upstream of upstreams) upstream.close();
    return checks;
  },
};

/** A gateway that knows nothing of the trouble yet. Afterwards no call may be left in it. */
async function withGateway(
  urls: readonly string[],
  words: readonly string[],
  body: (gateway: GatewayProgram) => Promise<Check[]>,
): Promise<Check[]> {
  const program = "programs/outage-gateway.ts";
  const gateway = await GatewayProgram.start(urls.join(","), { program, arguments: words });
  try {
    const checks = await body(gateway);
    const activeCalls = await callsLeft(gateway);
    return activeCalls === 0 ? checks : [...checks, atMost("calls that never end", activeCalls, 0, "")];
  } finally {
    await gateway.stop();
  }
}

/** Calls that run still when nobody waits for one. */
async function callsLeft(gateway: GatewayProgram): Promise<number> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const { activeCalls } = await gateway.state();
    if (activeCalls === 0 || performance.now() > until) return activeCalls;
    await sleep(20);
  }
}

/** All upstreams of one region are gone, without a word. */
async function regionDown(upstreams: readonly MoodyUpstream[], gateway: GatewayProgram): Promise<Check[]> {
  const us = upstreams.filter((_, at) => at < UPSTREAMS / 2);
  const eu = upstreams.filter((_, at) => at >= UPSTREAMS / 2);
  for (const upstream of us) upstream.change("silent");
  for (const upstream of eu) upstream.change("well");
  return verdict("a region down", await drive(gateway), us, eu);
}

/** Nobody is left: calls fail soon and say when to come again; retries do not make it worse; then all is well again. */
async function allDown(upstreams: readonly MoodyUpstream[], gateway: GatewayProgram): Promise<Check[]> {
  for (const upstream of upstreams) upstream.change("broken");
  const calls = await drive(gateway);
  const arrivals = upstreams.map((upstream) => upstream.arrivals);
  const total = arrivals.reduce((sum, count) => sum + count, 0);
  const failed = calls.filter(({ error }) => error !== undefined);
  const statuses = new Set(failed.map(({ error }) => (error as { status?: number }).status));
  console.log(
    `  all down: ${failed.length} of ${calls.length} failed with ${[...statuses].join(", ")}; requests at ${arrivals.join(", ")}`,
  );
  const checks = [
    atLeast("all down: calls that fail", failed.length, CALLS, ""),
    atMost("all down: other answers than 502, 503 and 529", failed.filter(isOther).length, 0, ""),
    atMost("all down: longest call", Math.max(...calls.map(({ ms }) => ms)), DEADLINE_MS, "ms"),
    // at most half of them are left out, and the others share what there is
    atMost("all down: requests at all upstreams", total, CALLS * MOST_TRAFFIC + UNKNOWING * UPSTREAMS, ""),
  ];
  await recover(upstreams, gateway);
  const after = await drive(gateway);
  const wrong = after.filter(({ text }) => text !== WHOLE).length;
  const shares = upstreams.map((upstream) => upstream.arrivals);
  console.log(`  recovered: ${shares.join(", ")} requests per upstream`);
  checks.push(atMost("recovered: calls that fail", wrong, 0, ""));
  checks.push(atLeast("recovered: fewest requests at one upstream", Math.min(...shares), CALLS / UPSTREAMS / 2, ""));
  return checks;
}

/** With continuation even a stream that breaks off in the middle comes to its end. */
async function continuedStreams(upstreams: readonly MoodyUpstream[], gateway: GatewayProgram): Promise<Check[]> {
  for (const [at, upstream] of upstreams.entries()) upstream.change(at === 0 ? "well" : "reset");
  const calls = await drive(gateway);
  const wrong = calls.filter(({ text }) => text !== WHOLE);
  for (const { text, error } of wrong.slice(0, 3)) console.log(`    not whole: ${String(error)} ${text}`);
  return [atMost("resets, continued: calls without the whole answer", wrong.length, 0, "")];
}

function verdict(
  name: string,
  calls: readonly Call[],
  ill: readonly MoodyUpstream[],
  well: readonly MoodyUpstream[],
): Check[] {
  const lost = calls.filter(({ begun, text }) => !begun && text !== WHOLE);
  const broken = calls.filter(({ begun, error }) => begun && error !== undefined);
  const silent = calls.filter(({ begun, text, error }) => begun && error === undefined && text !== WHOLE);
  const fair = (CALLS / UPSTREAMS) * MOST_TRAFFIC + UNKNOWING;
  const most = Math.max(...ill.map(({ arrivals }) => arrivals));
  const times = calls.map(({ ms }) => ms).toSorted((one, other) => one - other);
  const at = (share: number): string => `${Math.round(times[Math.floor((times.length - 1) * share)] ?? 0)} ms`;
  console.log(
    `  ${name}: p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}; ${broken.length} broken streams; requests at ` +
      `${ill.map(({ arrivals }) => arrivals).join(", ")} (ill) and ${well.map(({ arrivals }) => arrivals).join(", ")}`,
  );
  for (const { error } of lost.slice(0, 3)) console.log(`    lost: ${String(error)}`);
  return [
    atMost(`${name}: calls lost before their first event`, lost.length, 0, ""),
    atMost(`${name}: streams cut short without an error`, silent.length, 0, ""),
    atMost(`${name}: longest call`, times.at(-1) ?? Number.NaN, DEADLINE_MS, "ms"),
    atMost(`${name}: most requests at an ill upstream`, most, fair, ""),
    atMost(
      `${name}: most requests at a healthy upstream`,
      Math.max(...well.map(({ arrivals }) => arrivals)),
      (CALLS / well.length) * MOST_TRAFFIC,
      "",
    ),
  ];
}

/** 529 is what Anthropic's clients know an overload by. */
function isOther({ error }: Call): boolean {
  return ![502, 503, 529].includes((error as { status?: number }).status ?? 0);
}

/** Everybody is well again, and the gateway has had the time to find out. */
async function recover(upstreams: readonly MoodyUpstream[], gateway: GatewayProgram): Promise<void> {
  for (const upstream of upstreams) upstream.change("well");
  const until = performance.now() + 60_000;
  for (;;) {
    for (const upstream of upstreams) upstream.change("well");
    await drive(gateway, 200);
    if (upstreams.every(({ arrivals }) => arrivals > 10)) break;
    if (performance.now() > until) throw new Error("not every upstream got traffic again within a minute");
    await sleep(500);
  }
  for (const upstream of upstreams) upstream.change("well");
}

async function drive(gateway: GatewayProgram, count: number = CALLS): Promise<Call[]> {
  const client = clientOf(gateway);
  const calls: Call[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) calls.push(await client(next++));
  };
  await Promise.all(Array.from({ length: CLIENTS }, worker));
  return calls;
}

/** The official libraries, without retries of their own; every second call is streamed. */
function clientOf({ port, key }: GatewayProgram): Client {
  const baseURL = `http://127.0.0.1:${port}`;
  const openai = new OpenAI({ baseURL: `${baseURL}/v1`, apiKey: key, maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL, apiKey: key, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Say all the words." }];
  const common = { model: "chat", messages };
  const asks: readonly ((said: (text: string) => void) => Promise<void>)[] = [
    async (said) => {
      const { choices } = await openai.chat.completions.create(common);
      said(choices[0]?.message.content ?? "");
    },
    async (said) => {
      for await (const { choices } of await openai.chat.completions.create({ ...common, stream: true })) {
        said(choices[0]?.delta.content ?? "");
      }
    },
    async (said) => {
      const { content } = await anthropic.messages.create({ ...common, max_tokens: 100 });
      for (const block of content) if (block.type === "text") said(block.text);
    },
    async (said) => {
      for await (const event of anthropic.messages.stream({ ...common, max_tokens: 100 })) {
        said(event.type === "content_block_delta" && event.delta.type === "text_delta" ? event.delta.text : "");
      }
    },
  ];
  return async (index) => {
    const startedAt = performance.now();
    let text = "";
    let begun = false;
    let error: unknown;
    try {
      await (asks[index % asks.length] as (typeof asks)[number])((piece) => {
        begun = true;
        text += piece;
      });
    } catch (thrown) {
      error = thrown;
    }
    return { text, begun, ms: performance.now() - startedAt, ...(error !== undefined && { error }) };
  };
}
