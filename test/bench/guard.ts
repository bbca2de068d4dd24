import { createGateway } from "@signalbox/kernel";
import type { Detector } from "@signalbox/plugin-guardrails";
import {
  guardrails,
  injectionDetector,
  keywordDetector,
  mergedFinder,
  personalDetectors,
  secretDetectors,
} from "@signalbox/plugin-guardrails";
import { mock } from "@signalbox/provider-mock";
import type { Check } from "../checks.ts";
import { atMost } from "../checks.ts";
import type { BenchResult } from "./bench.ts";
import { table } from "./rows.ts";

const PROSE =
  "The meeting with our partners in Hamburg went well: we agreed on 3 deliveries until May 2026, at 12.5 % less than last " +
  'year. Please ask Ada (ada@example.com) for details; "she" knows the plan. ';
const CHUNK = 4_096;
const MOST_MS = 0.3;
/** For 64 kB of the worst text. */
const MOST_HOSTILE_MS = 10;
/** For one guardrail of personal data. */
const MOST_DELTA_MICROS = 8;
const DELTA = 16;
const STREAMED = 20;

/** What makes detectors look closely, over and over. */
const HOSTILE: Readonly<Record<string, string>> = {
  digits: "1 ",
  groups: "12-34.",
  points: "1.2.3.4.",
  "at signs": "a@",
  colons: "ab:1:",
  addresses: "://a:b",
  names: "api_key=a1",
  keys: "sk-",
  "private keys": "-----BEGIN PRIVATE KEY-----\nA",
  tokens: "eyJhbGciOiJIUzI1NiJ9.",
  streets: "12 Main ",
  ibans: "DE89 3704 0440 ",
  injections: "ignore all previous ",
};

/** Milliseconds of processor time for one run: others on the machine do not count. */
function cost(run: () => unknown, times: number): number {
  for (let at = 0; at < times; at++) run();
  const before = process.cpuUsage();
  for (let at = 0; at < times; at++) run();
  return process.cpuUsage(before).user / 1_000 / times;
}

async function streamMs(guarded: boolean, calls: number): Promise<number> {
  const plugin = await guardrails([{ type: "personal", name: "pii", action: "mask", mode: "after" }]);
  const prose = mock({ scripts: { prose: PROSE.repeat(STREAMED) }, chunkSize: DELTA });
  const gateway = await createGateway({
    plugins: [{ name: "mock", providers: [prose] }, ...(guarded ? [plugin] : [])],
  });
  const once = async (): Promise<void> => {
    const { reply } = gateway.open({
      operation: "chat",
      request: {
        model: "mock/prose",
        stream: true,
        messages: [{ role: "user", content: [{ type: "text", text: "?" }] }],
      },
    });
    while ((await reply.next()).done !== true);
  };
  for (let at = 0; at < calls; at++) await once();
  const before = process.cpuUsage();
  for (let at = 0; at < calls; at++) await once();
  const spent = process.cpuUsage(before).user / 1_000 / calls;
  await gateway.close();
  return spent;
}

/** `npm run bench -- guard`: what the built-in detectors cost, on plain and on hostile texts, and on streams. */
export async function runGuard(quick: boolean): Promise<BenchResult> {
  const words = keywordDetector(
    Array.from({ length: 50 }, (_, at) => `codeword ${at}`),
    "keyword",
  );
  const finder = mergedFinder([...personalDetectors(), ...secretDetectors(), words]);
  const injection: Detector = injectionDetector();
  const all = (text: string): void => {
    void finder.find(text, 0, undefined as never);
    injection.find(text, 0);
  };
  const times = quick ? 300 : 2_000;
  const checks: Check[] = [];
  const rows: Record<string, string | number>[] = [];
  const text = PROSE.repeat(40).slice(0, CHUNK);
  const plain = cost(() => all(text), times);
  rows.push({ text: "plain, 4 kB", ms: plain.toFixed(3) });
  checks.push(atMost("all detectors, 4 kB of plain text", plain, MOST_MS, "ms"));
  for (const [name, piece] of Object.entries(HOSTILE)) {
    const small = piece.repeat(Math.ceil(CHUNK / piece.length));
    const large = small.repeat(16);
    const [one, sixteen] = [cost(() => all(small), quick ? 20 : 100), cost(() => all(large), quick ? 4 : 12)];
    rows.push({ text: `${name}, 4 kB`, ms: one.toFixed(3), "64 kB": sixteen.toFixed(2) });
    checks.push(atMost(`all detectors, 64 kB of ${name}`, sixteen, MOST_HOSTILE_MS, "ms"));
  }
  const calls = quick ? 100 : 400;
  const [bare, guarded] = [await streamMs(false, calls), await streamMs(true, calls)];
  const micros = ((guarded - bare) * 1_000) / Math.ceil((PROSE.length * STREAMED) / DELTA);
  rows.push(
    { text: "stream of 4 kB, read", ms: bare.toFixed(3) },
    { text: "stream of 4 kB, masked", ms: guarded.toFixed(3) },
  );
  checks.push(
    atMost("masking personal data in a stream, for a delta of 16 characters", micros, MOST_DELTA_MICROS, "µs"),
  );
  console.log(table(rows));
  return { checks, rows: [] };
}
