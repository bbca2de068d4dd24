import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Cache, Recording } from "../cache/cache.ts";
import type { Call } from "../call.ts";
import type { ChatRequest } from "../chat/request.ts";
import type { ChatResult } from "../chat/result.ts";
import type { OperationName, RequestOf, ResultOf } from "../operation.ts";
import type { Principal } from "../principal.ts";
import { otherMeanings, otherParameters, otherPrincipals } from "./cache-variants.ts";
import { assertIncludes } from "./compare.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";
import { testCall } from "./test-context.ts";

/** Everything is on unless declared `false`. */
export interface CacheCapabilities {
  /** Off: questions that mean the same share a recording, and only chats are kept (a semantic cache). */
  readonly exact?: boolean;
  /** Off: recordings never expire. */
  readonly expiry?: boolean;
  /** Off: nothing outside the process can fail. */
  readonly outage?: boolean;
}

/** What `testCache` needs. */
export interface CacheKit {
  readonly runner: Runner;
  /** Made anew for every case; may share a store, since the kit makes up its own requests. */
  readonly cache: () => Cache | Promise<Cache>;
  /** Lets the time of life of a recording pass. */
  readonly expire?: (cache: Cache) => void | Promise<void>;
  /** A cache whose store cannot be reached. */
  readonly unreachable?: () => Cache | Promise<Cache>;
  readonly capabilities?: CacheCapabilities;
}

const PRINCIPAL: Principal = {
  id: "key-1",
  kind: "key",
  admin: false,
  models: ["*"],
  organizationId: "org-1",
  teamId: "team-1",
};

const CHAT: ChatRequest = {
  model: "kit-model",
  messages: [
    { role: "system", content: [{ type: "text", text: "Be brief." }] },
    { role: "user", content: [{ type: "text", text: "What is the capital of France?" }] },
  ],
  temperature: 0,
};

/** What a request says, and that no other run has asked it. */
function question(run: string): ChatRequest {
  return { ...CHAT, user: run };
}

function chatCall(request: ChatRequest, principal: Principal = PRINCIPAL): Call<"chat"> {
  return testCall({ operation: "chat", request, principal });
}

function answer(text: string): ChatResult {
  return {
    id: "r-1",
    model: "kit-model-2026",
    createdAt: 1_760_000_000,
    choices: [{ index: 0, content: [{ type: "text", text }], finishReason: "stop" }],
    usage: { inputTokens: 20, outputTokens: 2, reportedCost: 9_007_199_254_740_993n },
  };
}

function recording<Name extends OperationName>(operation: Name, result: ResultOf<Name>): Recording<Name> {
  return { operation, result, storedAt: Date.now() };
}

/** The conformance suite of caches: who shares with whom, and that a cache never fails a call. */
export function testCache(kit: CacheKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  const add = (name: string, body: (cache: Cache, run: string) => Promise<void>, needs: readonly string[] = []): void =>
    cases.add(
      name,
      async () => {
        const cache = await kit.cache();
        try {
          await body(cache, randomUUID());
        } finally {
          await cache.close?.();
        }
      },
      needs,
    );

  cases.group("cache conformance", () => {
    add("finds nothing that was not kept", async (cache, run) => {
      assert.equal(await cache.find(chatCall(question(run))), undefined);
    });

    add("finds what was kept, for a call that asks the same in another order of words", async (cache, run) => {
      const kept = recording("chat", answer("Paris."));
      await cache.keep(chatCall(question(run)), kept);
      const { messages, model, temperature, user } = question(run);
      const found = await cache.find(chatCall({ user, temperature, messages, model } as ChatRequest));
      assert.ok(found !== undefined, "the same request was not found");
      assert.equal(found.operation, "chat");
      assert.deepEqual(found.result, kept.result);
      assert.ok(Math.abs(found.storedAt - kept.storedAt) <= 1_000, "storedAt is epoch milliseconds");
    });

    add("serves streams from the same recording", async (cache, run) => {
      await cache.keep(chatCall(question(run)), recording("chat", answer("Paris.")));
      const found = await cache.find(chatCall({ ...question(run), stream: true }));
      assert.deepEqual(found?.result, answer("Paris."));
    });

    add("answers with the newest recording", async (cache, run) => {
      for (const text of ["Paris.", "It is Paris."]) {
        await cache.keep(chatCall(question(run)), recording("chat", answer(text)));
      }
      assert.deepEqual((await cache.find(chatCall(question(run))))?.result, answer("It is Paris."));
    });

    add("forgets", async (cache, run) => {
      await cache.forget(chatCall(question(run)));
      await cache.keep(chatCall(question(run)), recording("chat", answer("Paris.")));
      await cache.forget(chatCall(question(run)));
      assert.equal(await cache.find(chatCall(question(run))), undefined);
    });

    add("never shares between tenants", async (cache, run) => {
      const everyone = [PRINCIPAL, ...otherPrincipals()];
      for (const [index, one] of everyone.entries()) {
        const call = chatCall(question(run), one);
        const before = await cache.find(call);
        assert.equal(before, undefined, `${shown(one)} was given the answer of another tenant`);
        await cache.keep(call, recording("chat", answer(`answer ${index}`)));
      }
      for (const [index, one] of everyone.entries()) {
        const found = await cache.find(chatCall(question(run), one));
        assert.deepEqual(found?.result, answer(`answer ${index}`), `the answer for ${shown(one)}`);
      }
    });

    add("never shares between requests with other parameters", async (cache, run) => {
      await checkVariants(cache, question(run), otherParameters(question(run)));
    });

    add(
      "never shares between requests with other words",
      async (cache, run) => {
        await checkVariants(cache, question(run), otherMeanings(question(run)));
      },
      ["exact"],
    );

    add("keeps operations apart, and their bytes and numbers whole", (cache, run) => checkOperations(cache, run), [
      "exact",
    ]);

    add("keeps and finds many at once", async (cache, run) => {
      const call = (index: number): Call<"chat"> => chatCall({ ...question(run), seed: index });
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const early = await cache.find(call(index));
          assert.ok(early === undefined, "found before it was kept");
          await cache.keep(call(index), recording("chat", answer(`answer ${index}`)));
          const found = await Promise.all([cache.find(call(index)), cache.find(call(index))]);
          for (const one of found) assert.deepEqual(one?.result, answer(`answer ${index}`));
        }),
      );
    });

    add(
      "forgets what has expired",
      async (cache, run) => {
        assert.ok(kit.expire !== undefined, "give expire, or declare capabilities.expiry: false");
        await cache.keep(chatCall(question(run)), recording("chat", answer("Paris.")));
        assert.ok((await cache.find(chatCall(question(run)))) !== undefined, "it was never kept");
        await kit.expire(cache);
        assert.equal(await cache.find(chatCall(question(run))), undefined);
      },
      ["expiry"],
    );

    cases.add("that is down finds nothing and throws nothing", () => checkOutage(kit), ["outage"]);
  });
}

function shown({ id, organizationId, teamId }: Principal): string {
  return `principal ${id} (organisation ${organizationId ?? "none"}, team ${teamId ?? "none"})`;
}

async function checkVariants(
  cache: Cache,
  base: ChatRequest,
  variants: Readonly<Record<string, ChatRequest>>,
): Promise<void> {
  await cache.keep(chatCall(base), recording("chat", answer("base")));
  for (const [name, request] of Object.entries(variants)) {
    const before = await cache.find(chatCall(request));
    assert.equal(before, undefined, `a request with another "${name}" was given the answer of the first`);
    await cache.keep(chatCall(request), recording("chat", answer(name)));
  }
  assert.deepEqual((await cache.find(chatCall(base)))?.result, answer("base"), "the first answer was overwritten");
}

async function checkOperations(cache: Cache, run: string): Promise<void> {
  const usage = { inputTokens: 1, outputTokens: 0 };
  const check = async <Name extends OperationName>(
    operation: Name,
    request: RequestOf<Name>,
    result: ResultOf<Name>,
  ): Promise<void> => {
    const call = (): Call<Name> => testCall({ operation, request, principal: PRINCIPAL });
    assert.equal(await cache.find(call()), undefined, `"${operation}" was given the answer of another operation`);
    await cache.keep(call(), recording(operation, result));
    assertIncludes((await cache.find(call()))?.result, result, operation);
  };
  const model = "kit-model";
  const embeddings = [new Float32Array([0.5, -0.25]), [1, 2]];
  await check("embed", { model, inputs: [run] }, { model, embeddings, usage });
  await check("moderate", { model, inputs: [[{ type: "text", text: run }]] }, { id: "m", model, results: [], usage });
  await check("rerank", { model, query: run, documents: ["a"] }, { id: "r", model, results: [], usage });
  await check("complete", { model, prompts: [run] }, { id: "c", model, createdAt: 1, choices: [], usage });
  const sound = Buffer.from([0, 255, 128, 10]);
  await check("speak", { model, text: run, voice: "a" }, { mediaType: "audio/mpeg", audio: sound, usage });
  const file = (data: string) => ({ fileName: "a.wav", mediaType: "audio/wav", data: Buffer.from(data) });
  await check("transcribe", { model, audio: file(`${run} 1`) }, { text: "one", usage });
  await check("transcribe", { model, audio: file(`${run} 2`) }, { text: "two", usage });
  await check("translate", { model, audio: file(`${run} 1`) }, { text: "three", usage });
}

async function checkOutage({ unreachable }: CacheKit): Promise<void> {
  assert.ok(unreachable !== undefined, "give unreachable, or declare capabilities.outage: false");
  const cache = await unreachable();
  try {
    const call = chatCall(question(randomUUID()));
    await cache.keep(call, recording("chat", answer("Paris.")));
    assert.equal(await cache.find(call), undefined);
    await cache.forget(call);
  } finally {
    await cache.close?.();
  }
}
