import { z } from "zod";
import type { Cost, Deployment, PricedWork, Usage } from "@signalbox/kernel";
import { GatewayError, mayUse } from "@signalbox/kernel";
import type { Endpoint } from "../http/endpoint.ts";
import { endpoint } from "../http/endpoint.ts";
import { text } from "../http/fields.ts";
import { usdOf } from "../reports/money.ts";
import { picoText } from "../reports/spend-row.ts";
import type { Sources } from "../sources.ts";
import type { Viewer } from "../viewer.ts";

const CHARACTERS_PER_TOKEN = 4;
const MOST_TOKENS = 1_000_000_000;
const MOST_REQUESTS = 1_000_000_000;

const tokens = z.int().min(0).max(MOST_TOKENS);
const requests = z.int().min(0).max(MOST_REQUESTS).nullable().exactOptional();

/** `/spend/calculate` and `/cost/estimate`: what something would cost. */
export const costRoutes: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/spend/calculate",
    summary: "What an answer has cost, or what the messages of a request would cost: four characters are a token.",
    body: z
      .strictObject({
        model: text.exactOptional(),
        messages: z.array(z.looseObject({})).max(10_000).exactOptional(),
        completion_response: z
          .looseObject({
            model: text.exactOptional(),
            usage: z.looseObject({
              prompt_tokens: tokens,
              completion_tokens: tokens.exactOptional(),
              prompt_tokens_details: z
                .looseObject({ cached_tokens: tokens.exactOptional() })
                .nullable()
                .exactOptional(),
            }),
          })
          .exactOptional(),
      })
      .refine(({ messages, completion_response: answer }) => (messages === undefined) !== (answer === undefined), {
        error: "either messages or completion_response must be there",
        path: ["messages"],
      }),
    run({ body, viewer, sources }) {
      const { messages, completion_response: answer } = body;
      const model = body.model ?? answer?.model;
      if (model === undefined) throw new GatewayError("invalid_request", '"model" must be there', { param: "model" });
      const usage: Usage =
        answer === undefined
          ? { inputTokens: Math.ceil(textLength(messages) / CHARACTERS_PER_TOKEN), outputTokens: 0 }
          : {
              inputTokens: answer.usage.prompt_tokens,
              outputTokens: answer.usage.completion_tokens ?? 0,
              cacheReadTokens: answer.usage.prompt_tokens_details?.cached_tokens ?? 0,
            };
      const { cost } = priced(model, usage, viewer, sources);
      return { cost: usdOf(cost.billed), cost_nano: `${cost.billed}` };
    },
  }),
  endpoint({
    method: "POST",
    path: "/cost/estimate",
    summary: "What calls of a size would cost: each, in a day and in a month.",
    body: z.strictObject({
      model: text,
      input_tokens: tokens,
      output_tokens: tokens,
      num_requests_per_day: requests,
      num_requests_per_month: requests,
    }),
    run({ body, viewer, sources }) {
      const { input_tokens: inputTokens, output_tokens: outputTokens } = body;
      const { cost, deployment } = priced(body.model, { inputTokens, outputTokens }, viewer, sources);
      const [input, output] = [sideOf(cost, false), sideOf(cost, true)];
      const margin = (cost.margin ?? 0n) - (cost.discount ?? 0n);
      const times = (name: string, count: number | null | undefined): Record<string, number | string | null> => {
        const number = count === null || count === undefined ? undefined : BigInt(count);
        return {
          [`${name}_cost`]: number === undefined ? null : usdOf(cost.billed * number),
          [`${name}_cost_nano`]: number === undefined ? null : `${cost.billed * number}`,
          [`${name}_input_cost`]: number === undefined ? null : usdOf(input * number),
          [`${name}_output_cost`]: number === undefined ? null : usdOf(output * number),
          [`${name}_margin_cost`]: number === undefined ? null : usdOf(margin * number),
        };
      };
      return {
        model: body.model,
        input_tokens: inputTokens,
        output_tokens: outputTokens,
        num_requests_per_day: body.num_requests_per_day ?? null,
        num_requests_per_month: body.num_requests_per_month ?? null,
        cost_per_request: usdOf(cost.billed),
        cost_per_request_nano: `${cost.billed}`,
        input_cost_per_request: usdOf(input),
        output_cost_per_request: usdOf(output),
        margin_cost_per_request: usdOf(margin),
        ...times("daily", body.num_requests_per_day),
        ...times("monthly", body.num_requests_per_month),
        prices: cost.lines.map(({ kind, picoUsdPerUnit }) => ({ kind, usd_per_unit: picoText(picoUsdPerUnit) })),
        price_version: cost.priceVersion,
        provider: deployment.provider,
      };
    },
  }),
];

/** @throws {GatewayError} `model_not_allowed`, `model_not_found`, `price_unknown` */
function priced(
  model: string,
  usage: Usage,
  { principal }: Viewer,
  { models, pricing }: Sources,
): { readonly cost: Cost; readonly deployment: Deployment } {
  if (!mayUse(principal, model)) {
    throw new GatewayError("model_not_allowed", "this key may not use this model", { param: "model" });
  }
  const [deployment] = models.deployments(model, principal);
  if (deployment === undefined) throw new GatewayError("model_not_found", "there is no such model", { param: "model" });
  const work: PricedWork = { deployment, operation: "chat", request: { model, messages: [] } };
  const cost = pricing?.cost(work, usage);
  if (cost === undefined) throw new GatewayError("price_unknown", "the price of this model is not known");
  return { cost, deployment };
}

/** What the input or the output of a call has cost, rounded up. */
function sideOf({ lines }: Cost, output: boolean): bigint {
  let pico = 0n;
  for (const { kind, units, picoUsdPerUnit } of lines) {
    if (/^(output|reasoning)/.test(kind) === output) pico += BigInt(Math.ceil(units)) * picoUsdPerUnit;
  }
  return (pico + 999n) / 1_000n;
}

function textLength(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + textLength(one), 0);
  if (typeof value !== "object" || value === null) return 0;
  const { content, text: own } = value as { readonly content?: unknown; readonly text?: unknown };
  return textLength(content) + textLength(own);
}
