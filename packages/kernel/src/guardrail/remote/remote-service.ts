import type { DependencyContainer } from "tsyringe";
import type { Call } from "../../call.ts";
import { OPEN_CALL, TRANSPORT } from "../../container.ts";
import type { Gateway } from "../../gateway.ts";
import type { NanoUsd } from "../../money.ts";
import type { OperationName, RequestOf, ResultOf } from "../../operation.ts";
import { resultOf } from "../../reply.ts";
import type { GuardrailQuestion } from "../../trace.ts";
import type { Transport } from "../../transport.ts";
import { Breaker } from "./breaker.ts";
import { failureOf, RemoteFailure } from "./remote-failure.ts";
import type { RemoteGuardrailOptions } from "./remote-options.ts";
import type { Judgement, RemoteQuestion, RemoteRequest, TextJudge } from "./text-judge.ts";
import { VerdictCache } from "./verdict-cache.ts";

const TIMEOUT_MS = 2_000;
const MOST_BYTES = 8 * 1024 * 1024;
const AT_ONCE = 8;
/** A question's own end comes first: it says more about the service than that there were too many. */
const GRACE_MS = 50;
/** By these a service refuses a text: no caller shall bring it into rest for all others. */
const QUESTION_STATUSES: ReadonlySet<number> = new Set([400, 413, 414, 415, 422]);

/** Where a text stands that is judged. */
export interface JudgedFor {
  readonly call: Call;
  readonly mode: "input" | "output";
}

/** A judge over the network: its time, its rests, its answers of before, and its lines in the trace. */
export class RemoteService {
  readonly #name: string;
  readonly #judge: TextJudge;
  readonly #timeoutMs: number;
  readonly #cost: NanoUsd | undefined;
  readonly #breaker: Breaker | undefined;
  readonly #kept: VerdictCache<Judgement> | undefined;
  #transport: Transport | undefined;
  #open: Gateway["open"] | undefined;

  constructor(options: RemoteGuardrailOptions, judge: TextJudge) {
    const { name, timeoutMs = TIMEOUT_MS, breaker = {}, cache = {} } = options;
    this.#name = name;
    this.#judge = judge;
    this.#timeoutMs = timeoutMs;
    this.#cost = options.costPerQuestion;
    this.#breaker = breaker === false ? undefined : new Breaker(breaker);
    this.#kept = cache === false ? undefined : new VerdictCache(cache);
    this.#transport = options.transport;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  start(container: DependencyContainer): void {
    this.#transport ??= container.resolve(TRANSPORT);
    this.#open = container.resolve(OPEN_CALL);
  }

  /** What the service says about each text: as it said before, or asked now, equal texts once. */
  async judge(texts: readonly string[], place: JudgedFor): Promise<readonly Judgement[]> {
    const startedMs = place.call.trace.elapsedMs();
    const facts = [place.mode, this.#judge.keyOf?.(place.call, place.mode) ?? ""];
    const answers = new Map<string, Judgement>();
    const digests = new Map<string, string>();
    const missing = new Set<string>();
    for (const text of texts) {
      if (answers.has(text) || missing.has(text)) continue;
      const digest = this.#kept?.digest([...facts, text]) ?? "";
      const kept = this.#kept?.get(digest);
      if (kept !== undefined) answers.set(text, kept);
      else missing.add(text);
      digests.set(text, digest);
    }
    if (answers.size > 0) this.#note(place, "cached", answers.size, startedMs);
    const batches = inBatches([...missing], this.#judge.maxTexts ?? 1);
    await this.#askAll(batches, place, (batch, judgements) => {
      for (const [at, text] of batch.entries()) {
        const judgement = judgements[at] as Judgement;
        answers.set(text, judgement);
        this.#kept?.set(digests.get(text) as string, judgement);
      }
    });
    return texts.map((text) => answers.get(text) as Judgement);
  }

  /** What it says about a request that has no text. */
  async judgeNone(place: JudgedFor): Promise<Judgement> {
    const [judgement = {}] = await this.#ask([], place, new AbortController().signal);
    return judgement;
  }

  async #askAll(
    batches: readonly (readonly string[])[],
    place: JudgedFor,
    heard: (batch: readonly string[], judgements: readonly Judgement[]) => void,
  ): Promise<void> {
    const useless = new AbortController();
    const late = new RemoteFailure(this.#name, "timeout: too many questions");
    const timer = setTimeout(() => useless.abort(late), this.#timeoutMs + GRACE_MS);
    const waiting = batches.values();
    const worker = async (): Promise<void> => {
      for (const batch of waiting) {
        useless.signal.throwIfAborted();
        heard(batch, await this.#ask(batch, place, useless.signal));
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, batches.length) }, worker));
    } catch (thrown) {
      useless.abort(thrown);
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask(texts: readonly string[], place: JudgedFor, useless: AbortSignal): Promise<readonly Judgement[]> {
    const { call } = place;
    const startedMs = call.trace.elapsedMs();
    call.signal.throwIfAborted();
    if (this.#breaker?.admits() === false) {
      this.#note(place, "paused", texts.length, startedMs);
      throw new RemoteFailure(this.#name, "it has failed again and again, and is left alone for a while");
    }
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new RemoteFailure(this.#name, "timeout")), this.#timeoutMs);
    const signal = AbortSignal.any([call.signal, useless, late.signal]);
    try {
      const judgements = await untilAborted(this.#judge.judge(texts, this.#question(place, signal)), signal);
      if (texts.length > 0 && judgements.length !== texts.length)
        throw new RemoteFailure(this.#name, "it did not judge each text");
      this.#breaker?.succeeded();
      this.#note(place, "answered", texts.length, startedMs);
      return judgements;
    } catch (thrown) {
      // a caller that leaves says nothing about the service
      if (call.signal.aborted) throw call.signal.reason;
      if (useless.aborted) throw useless.reason;
      const failure = late.signal.aborted ? late.signal.reason : failureOf(this.#name, thrown);
      if (!failure.ofQuestion) this.#breaker?.failed();
      this.#note(place, "failed", texts.length, startedMs, failure.reason);
      throw failure;
    } finally {
      clearTimeout(timer);
    }
  }

  #question(place: JudgedFor, signal: AbortSignal): RemoteQuestion {
    const timeoutMs = this.#timeoutMs;
    return {
      ...place,
      signal,
      timeoutMs,
      send: (request) => this.#send(request, signal),
      ask: async <Name extends OperationName>(operation: Name, request: RequestOf<Name>): Promise<ResultOf<Name>> => {
        if (this.#open === undefined) throw new RemoteFailure(this.#name, "no gateway has started it");
        const { aliases: _, routing: __, ...principal } = place.call.principal;
        const { reply } = this.#open({
          operation,
          request,
          principal: { ...principal, models: [request.model], limits: [], guardrails: { off: ["*"] } },
          options: { timeoutMs, extensions: { guardrails: ["-*"] }, ...tracedBy(place.call) },
          signal,
        });
        return await resultOf(reply);
      },
    };
  }

  async #send({ url, method = "POST", headers = {}, body }: RemoteRequest, signal: AbortSignal): Promise<unknown> {
    if (this.#transport === undefined) throw new RemoteFailure(this.#name, "no gateway has started it");
    const { origin, pathname, search } = new URL(url);
    const list = ["content-type", "application/json"];
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) list.push(name, value);
    const reply = await this.#transport.send({
      method,
      origin,
      path: `${pathname}${search}`,
      headers: list,
      body: typeof body === "string" ? body : JSON.stringify(body),
      signal,
      timeoutMs: this.#timeoutMs,
      maxBytes: MOST_BYTES,
    });
    const { status } = reply;
    if (status < 200 || status >= 300) {
      throw new RemoteFailure(this.#name, `status ${status}`, QUESTION_STATUSES.has(status));
    }
    try {
      return JSON.parse(reply.body.toString());
    } catch {
      // the engine's own message quotes the text
      throw new RemoteFailure(this.#name, "its answer is not JSON");
    }
  }

  #note(
    { call, mode }: JudgedFor,
    outcome: GuardrailQuestion["outcome"],
    texts: number,
    startedMs: number,
    reason?: string,
  ): void {
    const asked = outcome === "answered" && this.#cost !== undefined;
    call.trace.question({
      guardrail: this.#name,
      mode,
      outcome,
      texts,
      startedMs,
      endedMs: call.trace.elapsedMs(),
      ...(reason !== undefined && { reason }),
      ...(asked && { cost: this.#cost }),
    });
  }
}

function tracedBy({ options }: Call): { readonly traceId?: string; readonly tags?: readonly string[] } {
  const { traceId, tags } = options;
  return { ...(traceId !== undefined && { traceId }), ...(tags !== undefined && { tags }) };
}

function inBatches(texts: readonly string[], most: number): readonly (readonly string[])[] {
  const count = Math.ceil(texts.length / most);
  return Array.from({ length: count }, (_, at) => texts.slice(at * most, (at + 1) * most));
}

/** The answer, or the end of the wait for it: a judge may not listen to its signal. */
async function untilAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
