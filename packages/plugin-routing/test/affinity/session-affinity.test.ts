import { expect, test } from "vitest";
import type { Call, Deployment, Outcome } from "@signalbox/kernel";
import { GatewayError, MemoryState } from "@signalbox/kernel";
import { sessionAffinity } from "../../src/affinity/session-affinity.ts";
import type { ChatCallInput } from "../calls.ts";
import { chatCall, deployment } from "../calls.ts";

const a = deployment("a");
const b = deployment("b");
const c = deployment("c");
const group = [a, b, c];
const ANSWERED: Outcome = { ok: true, firstEventMs: 1, durationMs: 1 };
const FAILED: Outcome = { ...ANSWERED, ok: false, error: new GatewayError("provider_error", "it failed") };

const parts = (state = new MemoryState()) => ({ state, facts: () => ({}), fallbacks: {} });

function session(sessionId: string, more: ChatCallInput = {}): Call {
  return chatCall({ ...more, options: { sessionId } });
}

test("a session stays where it was answered last; a stranger's goes anywhere", () => {
  const affinity = sessionAffinity({}, parts());
  const first = session("s");
  expect(affinity.preferred(first, group)).toBeUndefined();
  expect(first.trace.notes).toBeUndefined();
  affinity.report?.(b, ANSWERED, first);
  const second = session("s");
  expect(affinity.preferred(second, group)).toBe(b);
  expect(second.trace.notes).toEqual([{ stage: "route", text: 'session affinity: "b" has served it before' }]);
  expect(affinity.preferred(session("t"), group)).toBeUndefined();
  expect(affinity.preferred(chatCall(), group)).toBeUndefined();
});

test("a failure is no answer; the last answer counts", () => {
  const affinity = sessionAffinity({}, parts());
  const call = session("s");
  affinity.preferred(call, group);
  affinity.report?.(a, FAILED, call);
  expect(affinity.preferred(session("s"), group)).toBeUndefined();
  affinity.report?.(b, ANSWERED, call);
  const later = session("s");
  affinity.preferred(later, group);
  affinity.report?.(c, ANSWERED, later);
  expect(affinity.preferred(session("s"), group)).toBe(c);
});

test("equal names of different callers, of teams and of models are different sessions", () => {
  const affinity = sessionAffinity({}, parts());
  const callers: readonly ChatCallInput[] = [
    { principal: { id: "key-1" } },
    { principal: { id: "key-2" } },
    { principal: { id: "key-1", teamId: "red" } },
    { principal: { id: "key-1", teamId: "blue" } },
  ];
  const homes = [a, b, c, a];
  for (const [at, caller] of callers.entries()) {
    const call = session("s", caller);
    expect(affinity.preferred(call, group)).toBeUndefined();
    affinity.report?.(homes[at] as Deployment, ANSWERED, call);
  }
  for (const [at, caller] of callers.entries()) {
    expect(affinity.preferred(session("s", caller), group)).toBe(homes[at]);
  }
  const others = [deployment("x", { model: "n" }), deployment("y", { model: "n" })];
  const elsewhere = session("s", callers[0]);
  expect(affinity.preferred(elsewhere, others)).toBeUndefined();
  affinity.report?.(others[1] as Deployment, ANSWERED, elsewhere);
  expect(affinity.preferred(session("s", callers[0]), others)).toBe(others[1]);
  expect(affinity.preferred(session("s", callers[0]), group)).toBe(a);
});

test("a deployment that is not there is passed over, and the trace says so; it is remembered until another answers", () => {
  const affinity = sessionAffinity({}, parts());
  const first = session("s");
  affinity.preferred(first, group);
  affinity.report?.(b, ANSWERED, first);
  const second = session("s");
  expect(affinity.preferred(second, [a, c])).toBeUndefined();
  expect(second.trace.notes).toEqual([{ stage: "route", text: 'session affinity: "b" cannot serve it now' }]);
  expect(affinity.preferred(session("s"), group)).toBe(b);
  affinity.report?.(c, ANSWERED, second);
  expect(affinity.preferred(session("s"), group)).toBe(c);
});

test("where there is no choice nothing is kept", () => {
  const affinity = sessionAffinity({}, parts());
  const call = session("s");
  expect(affinity.preferred(call, [a])).toBeUndefined();
  affinity.report?.(a, ANSWERED, call);
  expect(affinity.preferred(session("s"), group)).toBeUndefined();
  expect(affinity.preferred(call, [])).toBeUndefined();
});

test("a session is forgotten after its time", async () => {
  const affinity = sessionAffinity({ ttlMs: 60 }, parts());
  for (let turn = 0; turn < 3; turn++) {
    const call = session("s");
    expect(affinity.preferred(call, group)).toBe(turn === 0 ? undefined : b);
    affinity.report?.(b, ANSWERED, call);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(affinity.preferred(session("s"), group)).toBeUndefined();
});

test("processes that share a state know each other's sessions", () => {
  const state = new MemoryState();
  const here = sessionAffinity({}, parts(state));
  const there = sessionAffinity({}, parts(state));
  const call = session("s");
  here.preferred(call, group);
  here.report?.(b, ANSWERED, call);
  expect(there.preferred(session("s"), group)).toBe(b);
  const moved = session("s");
  there.preferred(moved, group);
  there.report?.(c, ANSWERED, moved);
  expect(here.preferred(session("s"), group)).toBe(c);
  const back = session("s");
  here.preferred(back, group);
  here.report?.(b, ANSWERED, back);
  expect(there.preferred(session("s"), group)).toBe(b);
});

test("keys are short, whatever a client calls its session", () => {
  const keys: string[] = [];
  class Watched extends MemoryState {
    override set(key: string, value: unknown, ttlMs: number): void {
      keys.push(key);
      super.set(key, value, ttlMs);
    }
  }
  const affinity = sessionAffinity({}, parts(new Watched()));
  const call = session("s".repeat(1_000_000));
  affinity.preferred(call, group);
  affinity.report?.({ ...b, model: "x".repeat(1_000_000) }, ANSWERED, call);
  expect(keys.map(({ length }) => length)).toEqual(["affinity/session/".length + 43 + 1 + 100]);
});
