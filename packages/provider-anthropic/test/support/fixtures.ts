import { readFileSync } from "node:fs";
import type { Exchange } from "@signalbox/kernel/testkit";

type Json = Record<string, unknown>;

/** One answer in both forms, as Anthropic sends it. */
export interface Fixture {
  readonly reply: Json;
  readonly stream: readonly Json[];
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../fixtures/${name}.json`, import.meta.url), "utf8"));
}

export const FIXTURES = [
  "plain",
  "tools",
  "parallel-tools",
  "thinking",
  "redacted-thinking",
  "citations",
  "server-tools",
  "cache-usage",
  "compaction",
  "refusal",
  "pause-turn",
  "length",
  "stop-sequence",
] as const;

export type FixtureName = (typeof FIXTURES)[number];

export function fixture(name: FixtureName): Fixture {
  return read(name) as Fixture;
}

export function sse(events: readonly Json[]): string {
  return events.map((event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

export function replyOf(name: FixtureName): Exchange {
  return { body: fixture(name).reply, headers: { "request-id": "req_example" } };
}

export function streamOf(name: FixtureName): Exchange {
  return { bodyText: sse(fixture(name).stream) };
}

export function errorBody(name: string): Json {
  const { bodies } = read("errors") as { bodies: Record<string, Json> };
  const body = bodies[name];
  if (body === undefined) throw new Error(`no error fixture ${name}`);
  return body;
}

export function errorReply(name: string): Exchange {
  return { status: Number.parseInt(name, 10), body: errorBody(name) };
}
