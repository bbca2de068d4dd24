import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Gateway } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { pricing } from "@signalbox/plugin-pricing";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { paid, WatchedLedger } from "../budgets/billed-gateway.ts";

const WORDS = ["Three ", "wise ", "m\u00f6nks ", "\u732b\u732b ", "sat"];
const INPUT_TOKENS = 20;
const INPUT_NANO = 1_000n;
const OUTPUT_NANO = 2_000n;
const AT_ONCE = 6;
/** Client, gateway and vendor share a thread here: a few are late for reasons of their own. */
const PUNCTUAL_SHARE = 0.95;

interface Cut {
  /** What the vendor charges for what it had sent, or begun to send. */
  readonly charged: bigint;
  readonly words: number;
  closedAt: number | undefined;
}

const cuts = new Map<number, Cut>();
let upstream: Server;
let gateway: Gateway;
let listener: Listener;
let ledger: WatchedLedger;

const frame = (choices: readonly object[], more: object = {}): string =>
  `data: ${JSON.stringify({ id: "c", created: 1, model: "m-1", object: "chat.completion.chunk", choices, ...more })}\n\n`;

/** Each event with the number of words that are said once it has begun. */
const EVENTS: readonly (readonly [text: string, words: number])[] = [
  [frame([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]), 0],
  ...WORDS.map((content, index): [string, number] => [
    frame([{ index: 0, delta: { content }, finish_reason: null }]),
    index + 1,
  ]),
  [frame([{ index: 0, delta: {}, finish_reason: "stop" }]), WORDS.length],
];
const STREAM = Buffer.from(EVENTS.map(([text]) => text).join(""));
const PLAIN = Buffer.from(
  JSON.stringify({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m-1",
    choices: [{ index: 0, message: { role: "assistant", content: WORDS.join("") }, finish_reason: "stop" }],
    usage: { prompt_tokens: INPUT_TOKENS, completion_tokens: WORDS.length, total_tokens: INPUT_TOKENS + WORDS.length },
  }),
);

/** Words of which at least a byte has been sent: a vendor that is cut there has produced them, and one more. */
function wordsAt(offset: number): number {
  let at = 0;
  for (const [text, words] of EVENTS) {
    at += Buffer.byteLength(text);
    if (offset <= at) return words;
  }
  return WORDS.length;
}

beforeAll(async () => {
  upstream = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = JSON.parse(Buffer.concat(pieces).toString()) as { stream?: boolean; user: string };
    const offset = Number(body.user);
    const stream = body.stream === true;
    const words = stream ? wordsAt(offset) : WORDS.length;
    const cut: Cut = {
      charged: BigInt(INPUT_TOKENS) * INPUT_NANO + BigInt(words) * OUTPUT_NANO,
      words,
      closedAt: undefined,
    };
    cuts.set(offset, cut);
    response.on("close", () => {
      cut.closedAt = performance.now();
    });
    const all = stream ? STREAM : PLAIN;
    response.writeHead(200, {
      "content-type": stream ? "text/event-stream" : "application/json",
      ...(!stream && { "content-length": all.length }),
    });
    response.flushHeaders();
    if (offset > 0) response.write(all.subarray(0, offset));
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  ledger = new WatchedLedger();
  gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [openai({})], dialects: openaiDialects(), ledger },
      pricing(),
      budgets({ budgets: [{ scope: { kind: "gateway", id: "gateway" }, limit: 1_000_000_000n }] }),
    ],
    deployments: [paid("d", `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`)],
  });
  listener = await listen(gateway, { port: 0, host: "127.0.0.1" });
});
afterAll(async () => {
  await listener.close();
  await gateway.close();
  upstream.closeAllConnections();
  upstream.close();
});

/** Asks, and leaves once the vendor has sent so many bytes of its answer. Answers when it left. */
async function leaveAt(offset: number, stream: boolean): Promise<number> {
  const leave = new AbortController();
  const reply = fetch(`${listener.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "m",
      stream,
      user: String(offset),
      max_tokens: 400,
      messages: [{ role: "user", content: "What did they do? Tell me in one line." }],
    }),
    signal: leave.signal,
  })
    .then((response) => response.text())
    .catch(() => undefined);
  await expect.poll(() => cuts.has(offset), { interval: 2 }).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 15));
  const leftAt = performance.now();
  leave.abort();
  await reply;
  return leftAt;
}

async function everyOffset(length: number, stream: boolean): Promise<void> {
  cuts.clear();
  ledger.entries.length = 0;
  const leftAt = new Map<number, number>();
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < length) {
      const offset = next;
      next++;
      leftAt.set(offset, await leaveAt(offset, stream));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  await expect.poll(() => ledger.entries.length, { timeout: 5_000 }).toBe(length);
  await expect.poll(() => [...cuts.values()].every(({ closedAt }) => closedAt !== undefined)).toBe(true);
  const late = [...cuts].map(([offset, { closedAt = 0 }]) => closedAt - (leftAt.get(offset) ?? 0));
  late.sort((one, other) => one - other);
  expect(late[Math.floor(late.length * PUNCTUAL_SHARE)]).toBeLessThanOrEqual(100);
  expect(late.at(-1)).toBeLessThanOrEqual(1_000);
}

/** The offset stands in the row as its end user. */
function billedBelow(
  wrong: (offset: number, cut: Cut, billed: bigint, estimate: bigint) => boolean,
): readonly number[] {
  return ledger.entries.flatMap((entry) => {
    const offset = Number(entry.scopes.find(({ kind }) => kind === "customer")?.id);
    const cut = cuts.get(offset) as Cut;
    return wrong(offset, cut, entry.billed, ledger.estimates.get(entry.id) ?? 0n) ? [offset] : [];
  });
}

it("a stream left at any byte costs at least what the vendor counts, and less than its estimate", {
  timeout: 120_000,
}, async () => {
  await everyOffset(STREAM.length, true);
  expect(billedBelow((_offset, { charged }, billed) => billed < charged)).toEqual([]);
  // what is not whole has not been seen: from the second event on something has
  const seen = Buffer.byteLength(EVENTS[0]?.[0] ?? "") + Buffer.byteLength(EVENTS[1]?.[0] ?? "");
  expect(billedBelow((offset, _cut, billed, estimate) => offset >= seen && billed >= estimate)).toEqual([]);
  expect(ledger.open.size).toBe(0);
});

it("a plain call left at any byte is closed at the vendor, and costs at least what it counts", {
  timeout: 120_000,
}, async () => {
  await everyOffset(PLAIN.length, false);
  expect(billedBelow((_offset, { charged }, billed) => billed < charged)).toEqual([]);
  expect(new Set(ledger.entries.map(({ status }) => status))).toEqual(new Set(["estimated"]));
  expect(ledger.open.size).toBe(0);
});
