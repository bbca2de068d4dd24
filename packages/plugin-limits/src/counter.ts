import { createHash } from "node:crypto";
import type { LimitRule, LimitTake, Scope } from "@signalbox/kernel";
import type { NamedShare } from "./active-shares.ts";
import type { TokenKind } from "./options.ts";

const PERIOD_MS = 60_000;
/** Clients choose the names of end users, and stores keep them. */
const LONGEST_NAME = 120;

/** One thing that is counted, of one scope. */
export interface Counter {
  /** The same for two rules about the same. */
  readonly name: string;
  readonly scope: Scope;
  readonly unit: "requests" | "tokens" | "parallel";
  /** Of tokens. */
  readonly tokens: TokenKind;
  /** What is taken of it; of tokens with another cost for each call, of a share with another limit. */
  readonly take: LimitTake;
  readonly share?: NamedShare;
}

/** What a rule counts: concurrency, requests, tokens. */
export function countersOf(rule: LimitRule, tokens: TokenKind): readonly Counter[] {
  const { scope, parallel, requestsPerMinute, tokensPerMinute, share: part } = rule;
  const kind = rule.tokens ?? tokens;
  const name = scopeName(scope);
  const share = part === undefined ? undefined : { ...part, group: scopeName(part.of), member: name };
  const shared = share !== undefined && { share };
  const counters: Counter[] = [];
  if (parallel !== undefined) {
    const take: LimitTake = { key: `${name}/parallel`, kind: "parallel", limit: parallel, periodMs: 0, cost: 1 };
    counters.push({ name: take.key, scope, unit: "parallel", tokens: kind, take });
  }
  if (requestsPerMinute !== undefined) {
    const take = rate(`${name}/requests`, requestsPerMinute);
    counters.push({ name: take.key, scope, unit: "requests", tokens: kind, take, ...shared });
  }
  if (tokensPerMinute !== undefined) {
    const take = rate(`${name}/${kind === "total" ? "tokens" : `${kind}-tokens`}`, tokensPerMinute);
    counters.push({ name: `${name}/tokens`, scope, unit: "tokens", tokens: kind, take, ...shared });
  }
  return counters;
}

function rate(key: string, limit: number): LimitTake {
  return { key, kind: "rate", limit, periodMs: PERIOD_MS, cost: 1 };
}

/** Different for different scopes, whatever characters their ids have. */
function scopeName({ kind, id, model }: Scope): string {
  const own = `${plain(kind)}/${plain(id)}`;
  return model === undefined ? own : `${own}/${plain(model)}`;
}

function plain(text: string): string {
  if (text.length > LONGEST_NAME) return `%${createHash("sha256").update(text).digest("base64url")}`;
  if (!/[%/|]/.test(text)) return text;
  return text.replaceAll("%", "%25").replaceAll("/", "%2F").replaceAll("|", "%7C");
}
