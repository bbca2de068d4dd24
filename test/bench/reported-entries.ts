import type { Entry, Scope } from "@signalbox/kernel";

const DAY_MS = 86_400_000;
/** What is reported about: the last ninety days before this one. */
export const LAST_DAY: number = Date.UTC(2026, 10, 20);
const DAYS = 90;
export const FIRST_DAY: number = LAST_DAY - DAYS * DAY_MS;

const KEYS = 300;
const PER_TEAM = 10;
const PER_ORGANIZATION = 60;
const CUSTOMERS_PER_KEY = 20;
const MODELS = ["gpt-5", "gpt-5-mini", "claude-sonnet", "claude-haiku", "gemini-pro", "llama"] as const;
const PROVIDERS = ["openai", "openai", "anthropic", "anthropic", "google", "ollama"] as const;

/** Spreads numbers that follow each other. */
function spread(index: number, salt: number): number {
  let value = Math.imul(index ^ salt, 0x9e3779b1);
  value = Math.imul(value ^ (value >>> 15), 0x85ebca77);
  return (value ^ (value >>> 13)) >>> 0;
}

/**
 * One of many entries: three hundred keys in thirty teams, three models each, ninety days; every tenth key calls for twenty
 * customers. The id has its time inside, as gateways make it.
 */
export function reportedEntry(index: number, all: number): Entry {
  const startedAt = FIRST_DAY + Math.floor((index / all) * DAYS * DAY_MS);
  const key = spread(index, 1) % KEYS;
  const model = (key + (spread(index, 2) % 3)) % MODELS.length;
  const team = Math.floor(key / PER_TEAM);
  const scopes: Scope[] = [
    { kind: "gateway", id: "gateway" },
    { kind: "organization", id: `o-${Math.floor(key / PER_ORGANIZATION)}` },
    { kind: "team", id: `t-${team}` },
    { kind: "user", id: `u-${key >> 1}` },
    { kind: "key", id: `k-${key}` },
  ];
  if (key % 10 === 0) scopes.push({ kind: "customer", id: `c-${key}-${spread(index, 3) % CUSTOMERS_PER_KEY}` });
  scopes.push({ kind: "tag", id: `project-${team}` }, { kind: "tag", id: `stage-${key % 3}` });
  scopes.push({ kind: "provider", id: PROVIDERS[model] as string }, { kind: "deployment", id: `d-${model}` });
  const time = startedAt.toString(16).padStart(12, "0");
  const callId = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${index.toString(16).padStart(12, "0")}`;
  const billed = BigInt(100_000 + (spread(index, 4) % 5_000_000));
  return {
    id: `${callId}/1`,
    callId,
    attempt: 1,
    operation: "chat",
    model: MODELS[model] as string,
    deployment: `d-${model}`,
    provider: PROVIDERS[model] as string,
    scopes,
    lines: [{ scope: { kind: "team", id: `t-${team}` }, period: new Date(startedAt).toISOString().slice(0, 7) }],
    usage: { inputTokens: 500 + (spread(index, 5) % 4_000), outputTokens: spread(index, 6) % 800 },
    cost: billed,
    billed,
    status: "final",
    startedAt,
    endedAt: startedAt + 1_000,
    ...(spread(index, 7) % 50 === 0 && { errorCode: "timeout" }),
  };
}
