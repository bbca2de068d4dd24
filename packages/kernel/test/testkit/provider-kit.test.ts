import { describe, expect, it } from "vitest";
import { replyOf } from "@signalbox/kernel";
import type { ProviderKit } from "@signalbox/kernel/testkit";
import { testProvider } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";
import type { Defect } from "./parley.ts";
import { PARLEY_CAPABILITIES, PARLEY_WIRE, parley, scripted } from "./parley.ts";

function collect(change: Partial<ProviderKit> = {}) {
  const runner = fakeRunner();
  testProvider({
    runner,
    provider: () => parley(),
    wire: PARLEY_WIRE,
    capabilities: PARLEY_CAPABILITIES,
    ...change,
  });
  return runner;
}

describe("testProvider on a provider that is right", () => {
  testProvider({
    runner: { describe, it },
    provider: () => parley(),
    wire: PARLEY_WIRE,
    capabilities: PARLEY_CAPABILITIES,
  });
});

describe("testProvider on providers that are wrong", () => {
  const caught: Readonly<Record<Defect, RegExp>> = {
    bufferedStream: /leaving early closes the upstream/,
    chunkParser: /chat: text, streamed/,
    dropsSilently: /parameter that the model does not take/,
    eager: /a reply that nobody reads sends nothing, plain/,
    endIsSuccess: /a stream ends between two frames/,
    exclusiveUsage: /chat: cachedUsage/,
    extraBodyLost: /extra body/,
    forgetsRetryAfter: /errors: rateLimited/,
    headersLost: /carries the deployment's headers/,
    indexGap: /chat: parallelToolCalls, streamed/,
    keyInUrl: /carries the key, in a header/,
    leaksKey: /a key that the vendor repeats stays hidden/,
    losesPictures: /a picture is sent or refused/,
    milliseconds: /chat: text$/,
    neverCloses: /leaving early closes the upstream/,
    noSource: /errors: badRequest/,
    openPart: /chat: text, streamed/,
    otherResult: /chat: text, streamed/,
    publicModel: /names the upstream's model/,
    retries: /errors: serverError, plain/,
    sharedState: /calls at the same time do not mix, streamed/,
    typeError: /faults: JSON that is no answer/,
  };

  it.each(Object.entries(caught) as [Defect, RegExp][])("catches %s", async (defect, match) => {
    const { cases } = collect({ provider: () => parley(defect) });
    const chosen = cases.filter(({ name }) => match.test(name));
    expect(await failuresOf(chosen)).toHaveLength(chosen.length);
  });
});

describe("testProvider on kits that are incomplete", () => {
  it("fails for a scenario that is missing and not declared impossible", async () => {
    const { length: _, ...chat } = PARLEY_WIRE.chat as NonNullable<ProviderKit["wire"]["chat"]>;
    const { cases } = collect({ wire: { ...PARLEY_WIRE, chat } });
    expect(await failuresOf(cases, /chat: length/)).toEqual([
      "chat: length: give wire.chat.length, or declare capabilities.length: false",
    ]);
  });

  it("fails for a scenario that is given and declared impossible", async () => {
    const { cases } = collect({ capabilities: { ...PARLEY_CAPABILITIES, reasoning: false } });
    expect(await failuresOf(cases, /chat: reasoning/)).toEqual([
      "chat: reasoning: wire.chat.reasoning is given, but capabilities.reasoning is declared false",
    ]);
  });

  it("fails for errors and unsupported parameters that are missing", async () => {
    const { errors: _, unsupported: __, ...wire } = PARLEY_WIRE;
    const { cases } = collect({ wire });
    const failures = await failuresOf(cases, /^errors: (badRequest|inBody)$|parameter that the model/);
    expect(failures).toEqual([
      "request: a parameter that the model does not take: give wire.unsupported, or declare capabilities.unsupported: false",
      "errors: badRequest: give wire.errors.badRequest",
      "errors: inBody: give wire.errors.inBody, or declare capabilities.inBody: false",
    ]);
  });

  it("fails for an error scenario of the wrong status", async () => {
    const errors = { ...PARLEY_WIRE.errors, notFound: { exchange: { status: 400, body: {} } } };
    const { cases } = collect({
      wire: { ...PARLEY_WIRE, errors: errors as NonNullable<ProviderKit["wire"]["errors"]> },
    });
    expect(await failuresOf(cases, /errors: notFound, plain/)).toEqual([
      "errors: notFound, plain: wire.errors.notFound has status 400, not 404",
    ]);
  });

  it("fails for an operation without a scenario", async () => {
    const usage = { inputTokens: 1, outputTokens: 0 };
    const embed = () => replyOf<"embed">(() => ({ model: "m", embeddings: [[1]], usage }));
    const provider = parley();
    const operations = { ...provider.operations, embed };
    const { cases } = collect({ provider: () => ({ ...provider, operations }) });
    expect(await failuresOf(cases, /operations: every one/)).toHaveLength(1);
  });

  it("names what a declared capability leaves out", () => {
    const { skipped } = collect();
    expect(skipped).toContain("chat: refusal (declared: no refusal)");
    expect(skipped).toContain("errors: contextLength (declared: no contextLength)");
  });
});

describe("testProvider without network", () => {
  const usage = { inputTokens: 2, outputTokens: 1 };
  const expected = { text: "Hi.", finishReason: "stop", usage } as const;
  const result = {
    id: "s-1",
    model: "scripted",
    createdAt: 1_760_000_000,
    choices: [{ index: 0, content: [{ type: "text", text: "Hi." }], finishReason: "stop" }],
    usage,
  } as const;
  const none = { toolCall: false, parallelToolCalls: false, reasoning: false, refusal: false, cachedUsage: false };
  const kit = {
    provider: () => scripted(result),
    wire: { chat: { text: { expected } } },
    capabilities: { network: false, ...none, length: false, unsupported: false },
  };
  testProvider({ runner: { describe, it }, ...kit });

  it("catches a wrong answer, and one that ignores the signal", async () => {
    const wrong = collect({ ...kit, provider: () => scripted({ ...result, id: "" }) });
    expect(await failuresOf(wrong.cases, /chat: text/)).toEqual([
      "chat: text: result.id is empty",
      "chat: text, streamed: result.id is empty",
    ]);
    const deaf = collect({
      ...kit,
      provider: () => ({
        name: "deaf",
        operations: {
          chat: () => replyOf<"chat">(() => result),
        },
      }),
    });
    expect(await failuresOf(deaf.cases, /over fails|streamed/)).toEqual([
      "chat: text, streamed: a stream has events",
      "lifecycle: a call that is over fails: the reply should have failed, but it ended with a result",
    ]);
  });
});
