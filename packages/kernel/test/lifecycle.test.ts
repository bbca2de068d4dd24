import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Attempt, Gateway, Reply } from "@signalbox/kernel";
import { createGateway, GatewayError } from "@signalbox/kernel";
import { sayText, scripted, textEvents, textResult } from "./support/scripted-provider.ts";

const open: Gateway[] = [];
const request = { model: "shop/m", messages: [] } as const;

async function gatewayOf(
  script: (attempt: Attempt<"chat">) => Reply<"chat">,
  options: Partial<Parameters<typeof createGateway>[0]> = {},
): Promise<Gateway> {
  const gateway = await createGateway({ plugins: [{ name: "p", providers: [scripted("shop", script)] }], ...options });
  open.push(gateway);
  return gateway;
}

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

// biome-ignore lint/correctness/useYield: never gets that far
async function* waits(attempt: Attempt<"chat">): Reply<"chat"> {
  return await untilAborted(attempt.signal);
}

async function* deaf(): Reply<"chat"> {
  return await new Promise<never>(() => undefined);
}

describe("deadlines", () => {
  it("end a call with `timeout`", async () => {
    const gateway = await gatewayOf(waits, { timeoutMs: 30 });
    await expect(gateway.chat(request)).rejects.toMatchObject({ code: "timeout", status: 504 });
    expect(gateway.activeCalls).toBe(0);
  });

  it("end a call whose provider does not listen to the signal", async () => {
    const gateway = await gatewayOf(deaf, { timeoutMs: 30 });
    await expect(gateway.chat(request)).rejects.toMatchObject({ code: "timeout" });
  });

  it("end a reply whose first event comes too late", async () => {
    let ended = false;
    const gateway = await gatewayOf(
      async function* () {
        try {
          await new Promise((resolve) => setTimeout(resolve, 60));
          yield* textEvents(["late"]);
          return textResult("late");
        } finally {
          ended = true;
        }
      },
      { timeoutMs: 10 },
    );
    const { reply } = gateway.open({ operation: "chat", request: { ...request, stream: true } });
    await expect(reply.next()).rejects.toMatchObject({ code: "timeout" });
    expect(ended).toBe(false);
    await expect.poll(() => ended).toBe(true);
  });

  it("can be lowered by a request, not raised", async () => {
    const gateway = await gatewayOf(waits, { timeoutMs: 60 });
    const startedAt = performance.now();
    await expect(gateway.chat(request, { timeoutMs: 10 })).rejects.toThrow("0.01 s");
    await expect(gateway.chat(request, { timeoutMs: 60_000 })).rejects.toThrow("0.06 s");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it("do not cut a stream that has begun", async () => {
    const gateway = await gatewayOf(
      async function* () {
        const [first, ...rest] = textEvents(["a"]);
        if (first) yield first;
        await new Promise((resolve) => setTimeout(resolve, 80));
        yield* rest;
        return textResult("a");
      },
      { timeoutMs: 40 },
    );
    const stream = gateway.chat.stream(request);
    for await (const _ of stream);
    expect((await stream.result).choices[0]?.content).toEqual([{ type: "text", text: "a" }]);
  });
});

describe("a caller who leaves", () => {
  it("ends the call through its own signal", async () => {
    const gateway = await gatewayOf(waits);
    const leaving = new AbortController();
    const call = gateway.chat(request, { signal: leaving.signal });
    setTimeout(() => leaving.abort(), 10);
    await expect(call).rejects.toMatchObject({ code: "client_closed", status: 499 });
  });

  it("who has left before does not start anything", async () => {
    const script = vi.fn(waits);
    const gateway = await gatewayOf(script);
    await expect(gateway.chat(request, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "client_closed",
    });
    expect(script).not.toHaveBeenCalled();
  });

  it("is not told to try again elsewhere", async () => {
    const gateway = await gatewayOf(waits);
    const opened = gateway.open({ operation: "chat", request });
    const step = opened.reply.next();
    setTimeout(() => opened.cancel(), 5);
    await expect(step).rejects.toMatchObject({ code: "client_closed" });
    expect(opened.call.trace.attempts).toHaveLength(1);
  });
});

describe("draining", () => {
  it("lets running calls finish and refuses new ones", async () => {
    let finish = (): void => undefined;
    const gateway = await gatewayOf(async function* (attempt) {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return yield* sayText(attempt, "done");
    });
    const running = gateway.chat(request);
    await vi.waitFor(() => expect(gateway.activeCalls).toBe(1));
    const drained = gateway.drain();
    await expect(gateway.chat(request)).rejects.toMatchObject({ code: "draining", status: 503 });
    finish();
    await expect(running).resolves.toMatchObject({ choices: [{ content: [{ text: "done" }] }] });
    await drained;
  });

  it("ends what is still running at its deadline", async () => {
    const gateway = await gatewayOf(waits);
    const running = gateway.chat(request);
    await vi.waitFor(() => expect(gateway.activeCalls).toBe(1));
    await gateway.drain(20);
    await expect(running).rejects.toMatchObject({ code: "draining" });
  });
});

describe("observers", () => {
  it("see a call's moments in order", async () => {
    const seen: string[] = [];
    const note = (name: string) => (): void => void seen.push(name);
    const gateway = await createGateway({
      plugins: [
        {
          name: "p",
          providers: [scripted("shop", (attempt) => sayText(attempt, "hi"))],
          on: {
            callStarted: note("callStarted"),
            attemptStarted: note("attemptStarted"),
            attemptSucceeded: note("attemptSucceeded"),
            callSucceeded: note("callSucceeded"),
            callFailed: note("callFailed"),
          },
        },
      ],
    });
    open.push(gateway);
    await gateway.chat(request);
    await gateway.chat({ ...request, model: "nothing" }).catch(() => undefined);
    expect(seen).toEqual([
      "callStarted",
      "attemptStarted",
      "attemptSucceeded",
      "callSucceeded",
      "callStarted",
      "callFailed",
    ]);
  });

  it("that throw are reported once and change nothing", async () => {
    const reports: unknown[] = [];
    const listener = (message: unknown): void => void reports.push(message);
    subscribe("signalbox:observer-error", listener);
    const gateway = await createGateway({
      plugins: [
        {
          name: "noisy",
          providers: [scripted("shop", (attempt) => sayText(attempt, "hi"))],
          on: {
            callStarted() {
              throw new Error("broken observer");
            },
          },
        },
      ],
    });
    open.push(gateway);
    await gateway.chat(request);
    await gateway.chat(request);
    unsubscribe("signalbox:observer-error", listener);
    expect(reports).toMatchObject([{ plugin: "noisy", moment: "callStarted" }]);
  });
});

describe("health", () => {
  it("asks every plugin and does not wait for a silent one", async () => {
    const gateway = await createGateway({
      plugins: [
        { name: "good", check: () => ({ ok: true, detail: "3 connections" }) },
        { name: "broken", check: () => Promise.reject(new GatewayError("internal_error", "redis://:secret@host")) },
        { name: "silent", check: () => new Promise(() => undefined) },
      ],
    });
    open.push(gateway);
    expect(await gateway.health()).toEqual({
      ok: false,
      components: [
        { name: "good", ok: true, detail: "3 connections" },
        { name: "broken", ok: false, detail: "the check failed" },
        { name: "silent", ok: false, detail: "no answer within a second" },
      ],
    });
  });
});
