import assert from "node:assert/strict";
import type { OperationName, ResultOf } from "../operation.ts";
import { collectReply } from "../reply.ts";
import { checkUsage } from "./check-usage.ts";
import { assertIncludes } from "./compare.ts";
import type { Bench, Probe, ProviderKit } from "./provider-bench.ts";
import { failureOf, KIT_KEY, PLAIN_REQUEST, PUBLIC_MODEL, probesOf, withBench } from "./provider-bench.ts";
import type { OperationScenario } from "./provider-wire.ts";
import type { SentRequest } from "./replay-server.ts";
import type { Cases } from "./runner.ts";

/** What is sent: where to, with which model, key, headers and members; and what is not. */
export function requestCases(kit: ProviderKit, cases: Cases): void {
  for (const probe of probesOf(kit)) {
    const add = (name: string, check: (sent: SentRequest, bench: Bench) => void, needs: readonly string[] = []): void =>
      cases.add(`request: ${name}, ${probe.name}`, () => checkSent(kit, probe, check), ["network", ...needs]);
    add("goes to the deployment's base URL", ({ path }) => {
      assert.ok(path.startsWith("/kit-prefix/"), `it went to ${path}`);
    });
    add("names the upstream's model", ({ path, body }, bench) => {
      const { operation, request, deployment } = probe;
      const { upstreamModel } = bench.attempt({ operation, request, deployment });
      const all = `${decodeURIComponent(path)} ${body}`;
      assert.ok(all.includes(upstreamModel), `"${upstreamModel}" is neither in the path nor in the body`);
      assert.ok(!all.includes(PUBLIC_MODEL), "the public model name is no business of the vendor's");
    });
    add("carries the deployment's headers", ({ headers }) => assert.equal(headers["x-kit"], "extra"));
    add(
      "carries the key, in a header",
      ({ headers, path, body }) => {
        const values = Object.values(headers).flat();
        assert.ok(
          values.some((value) => value?.includes(KIT_KEY)),
          "no header has the deployment's key",
        );
        assert.ok(!path.includes(KIT_KEY), "a key in the URL ends up in logs");
        assert.ok(!body.includes(KIT_KEY), "the key is in the body");
      },
      ["apiKey"],
    );
    add(
      "carries the deployment's extra body",
      ({ body }) => assertIncludes(JSON.parse(body), { kit_extra: { a: 1 } }, "body"),
      ["extraBody"],
    );
  }
  pictureCase(kit, cases);
  unsupportedCases(kit, cases);
}

/** One black pixel. */
const PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg==";

/** A model that sees must get the picture; of one that does not, the caller must hear. */
function pictureCase(kit: ProviderKit, cases: Cases): void {
  const { chat } = kit.wire;
  if (chat === undefined) return;
  const text = { type: "text", text: "What is this?" } as const;
  const image = { type: "image", source: { type: "data", mediaType: "image/png", data: PICTURE } } as const;
  const request = { ...PLAIN_REQUEST, messages: [{ role: "user", content: [text, image] }] } as const;
  const { deployment } = chat.text;
  cases.add(
    "request: a picture is sent or refused, never left out",
    () =>
      withBench(kit, chat.text.reply ?? {}, {}, async (bench) => {
        const reply = bench.reply(bench.attempt({ operation: "chat", request, deployment }));
        const refused = await collectReply(reply).then(
          () => undefined,
          (error: unknown) => error,
        );
        const [sent] = bench.upstream.sent;
        if (sent !== undefined) assert.ok(sent.body.includes(PICTURE), "the request was sent without its picture");
        else assert.equal((refused as { code?: unknown } | undefined)?.code, "invalid_request");
      }),
    ["network", "chat"],
  );
}

async function checkSent(
  kit: ProviderKit,
  probe: Probe,
  check: (sent: SentRequest, bench: Bench) => void,
): Promise<void> {
  await withBench(kit, probe.exchange, { path: "/kit-prefix" }, async (bench) => {
    const { operation, request } = probe;
    const deployment = {
      ...probe.deployment,
      headers: { ...probe.deployment?.headers, "x-kit": "extra" },
      extraBody: { ...probe.deployment?.extraBody, kit_extra: { a: 1 } },
    };
    await collectReply(bench.reply(bench.attempt({ operation, request, deployment })));
    const [sent] = bench.upstream.sent;
    assert.ok(sent !== undefined, "nothing was sent to the upstream");
    check(sent, bench);
  });
}

function unsupportedCases(kit: ProviderKit, cases: Cases): void {
  const { unsupported, chat } = kit.wire;
  const needs = ["network", "chat", "unsupported"];
  if (unsupported === undefined || chat === undefined) {
    const hint = "give wire.unsupported, or declare capabilities.unsupported: false";
    cases.add("request: a parameter that the model does not take", () => assert.fail(hint), needs);
    return;
  }
  const request = { ...PLAIN_REQUEST, ...chat.text.request, ...unsupported.request };
  const { deployment } = chat.text;
  cases.add(
    "request: a parameter that the model does not take is refused by name",
    () =>
      withBench(kit, chat.text.reply ?? {}, {}, async (bench) => {
        const { error } = await failureOf(bench.reply(bench.attempt({ operation: "chat", request, deployment })));
        assert.equal(error.code, "unsupported_parameter");
        assert.equal(error.param, unsupported.parameter);
        assert.equal(bench.upstream.sent.length, 0, "it was sent all the same");
      }),
    needs,
  );
  cases.add(
    "request: a parameter that the model does not take is dropped and reported, if wished",
    () =>
      withBench(kit, chat.text.reply ?? {}, {}, async (bench) => {
        const attempt = bench.attempt({ operation: "chat", request, deployment, dropParams: true });
        await collectReply(bench.reply(attempt));
        assert.deepEqual(attempt.trace.droppedParams, [unsupported.parameter]);
      }),
    needs,
  );
}

/** Operations other than chat, and the list of models. */
export function operationCases(kit: ProviderKit, cases: Cases): void {
  const given = new Set<string>(Object.keys(kit.wire.operations ?? {}));
  if (kit.wire.chat !== undefined) given.add("chat");
  cases.add("operations: every one has a scenario", () =>
    withBench(kit, {}, {}, async ({ provider }) => {
      const offered = Object.keys(provider.operations);
      assert.deepEqual([...given].sort(), offered.sort(), "the scenarios given and the operations offered differ");
      assert.ok(/^[a-z][a-z0-9_-]*$/.test(provider.name), `"${provider.name}" cannot stand before a slash`);
      const models = provider.listModels !== undefined && cases.has("network");
      const listed = kit.wire.listModels !== undefined && cases.has("listModels");
      if (cases.has("listModels")) assert.equal(listed, models, "wire.listModels and provider.listModels differ");
    }),
  );
  for (const [operation, scenarios] of Object.entries(kit.wire.operations ?? {})) {
    for (const [index, scenario] of (scenarios as readonly OperationScenario<"embed">[]).entries()) {
      cases.add(`operations: ${operation}, scenario ${index + 1}`, () =>
        checkOperation(kit, operation as "embed", scenario, cases.has("network")),
      );
    }
  }
  const { listModels } = kit.wire;
  if (listModels === undefined) return;
  cases.add(
    "operations: lists the vendor's models",
    () =>
      withBench(kit, listModels.reply, {}, async (bench) => {
        const attempt = bench.attempt({ operation: "chat", request: PLAIN_REQUEST });
        const models = await bench.provider.listModels?.(attempt);
        assert.deepEqual(
          models?.map(({ id }) => id),
          listModels.ids,
        );
      }),
    ["network", "listModels"],
  );
}

async function checkOperation<Name extends Exclude<OperationName, "chat">>(
  kit: ProviderKit,
  operation: Name,
  scenario: OperationScenario<Name>,
  network: boolean,
): Promise<void> {
  for (const delivery of network ? (["whole", "lines", "bytes"] as const) : (["whole"] as const)) {
    const exchange = { ...(scenario.reply ?? { status: 500 }), delivery };
    await withBench(kit, exchange, {}, async (bench) => {
      const request = { ...scenario.request, model: PUBLIC_MODEL } as never;
      const { deployment } = scenario;
      const { result } = await collectReply(bench.reply(bench.attempt({ operation, request, deployment })));
      assertIncludes(result, scenario.expected, "result");
      const { usage } = result as ResultOf<Name> & { usage?: unknown };
      if (operation !== "countTokens") checkUsage(usage as never);
    });
  }
}
