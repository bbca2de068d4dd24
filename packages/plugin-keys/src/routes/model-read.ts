import { z } from "zod";
import type { Deployment, ModelFacts } from "@signalbox/kernel";
import { mayUse } from "@signalbox/kernel";
import type { Actor } from "./actor.ts";
import { notFound, seesAll } from "./actor.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { id, name, page, pageSize } from "./fields.ts";
import type { Management } from "./management.ts";

type Row = Record<string, unknown>;

/** Routes that show what the gateway serves: to everybody what they may use, to nobody its secrets. */
export const modelReads: readonly Endpoint[] = [
  ...["/model/info", "/v1/model/info"].map((path) =>
    endpoint({
      method: "GET",
      path,
      summary: "The deployments of the models that one may use, with limits and prices.",
      query: z.strictObject({ litellm_model_id: id.exactOptional() }),
      run({ actor, query: { litellm_model_id: wanted }, management }) {
        const found = visible(actor, management).filter((each) => wanted === undefined || each.id === wanted);
        if (wanted !== undefined && found.length === 0) throw notFound("model");
        return { data: found.map((deployment) => rowOf(deployment, actor, management)) };
      },
    }),
  ),
  endpoint({
    method: "GET",
    path: "/v2/model/info",
    summary: "The same, page by page.",
    query: z.strictObject({
      model: name.exactOptional(),
      modelId: id.exactOptional(),
      search: name.exactOptional(),
      page,
      size: pageSize,
    }),
    run({ actor, query, management }) {
      const text = query.search?.toLowerCase();
      const found = visible(actor, management).filter(
        (each) =>
          (query.model === undefined || each.model === query.model) &&
          (query.modelId === undefined || each.id === query.modelId) &&
          (text === undefined || each.model.toLowerCase().includes(text)),
      );
      const shown = found.slice((query.page - 1) * query.size, query.page * query.size);
      return {
        data: shown.map((deployment) => rowOf(deployment, actor, management)),
        total_count: found.length,
        current_page: query.page,
        total_pages: Math.ceil(found.length / query.size),
        size: query.size,
      };
    },
  }),
  endpoint({
    method: "GET",
    path: "/model_group/info",
    summary: "The models that one may use, each with all its deployments taken together.",
    query: z.strictObject({ model_group: name.exactOptional() }),
    run({ actor, query: { model_group: wanted }, management }) {
      const groups = new Map<string, Deployment[]>();
      for (const each of visible(actor, management)) {
        if (wanted === undefined || each.model === wanted) {
          groups.set(each.model, [...(groups.get(each.model) ?? []), each]);
        }
      }
      return { data: [...groups].map(([model, deployments]) => groupOf(model, deployments, management)) };
    },
  }),
];

function visible(actor: Actor, { surroundings: { models } }: Management): readonly Deployment[] {
  if (seesAll(actor)) return models.all();
  const { principal } = actor;
  return models.all().filter(({ model, teamId }) => {
    if (teamId !== undefined && teamId !== principal.teamId) return false;
    return mayUse(principal, model);
  });
}

function rowOf(deployment: Deployment, actor: Actor, management: Management): Row {
  const { id: modelId, model, provider, upstreamModel, baseUrl, rpm, tpm, region, tags } = deployment;
  const { surroundings } = management;
  return {
    model_name: model,
    litellm_params: {
      model: `${provider}/${upstreamModel}`,
      custom_llm_provider: provider,
      // where a provider answers tells how a network is built
      ...(seesAll(actor) && baseUrl !== undefined && { api_base: hostOf(baseUrl) }),
      ...(rpm !== undefined && { rpm }),
      ...(tpm !== undefined && { tpm }),
      ...(region !== undefined && { region_name: region }),
      ...(tags !== undefined && { tags }),
    },
    model_info: {
      id: modelId,
      db_model: false,
      litellm_provider: provider,
      ...(deployment.teamId !== undefined && { team_id: deployment.teamId }),
      ...factsOf(surroundings.facts(deployment)),
    },
  };
}

/** Facts by their names in the management API; null: unknown. */
function factsOf(facts: ModelFacts): Row {
  return {
    max_tokens: facts.maxOutputTokens ?? null,
    max_input_tokens: facts.maxInputTokens ?? null,
    max_output_tokens: facts.maxOutputTokens ?? null,
    input_cost_per_token: facts.inputCostPerToken ?? null,
    output_cost_per_token: facts.outputCostPerToken ?? null,
    supports_vision: facts.supportsVision ?? null,
    supports_audio_input: facts.supportsAudioInput ?? null,
    supports_pdf_input: facts.supportsPdfInput ?? null,
    supports_function_calling: facts.supportsFunctionCalling ?? null,
    supports_response_schema: facts.supportsResponseSchema ?? null,
    supports_reasoning: facts.supportsReasoning ?? null,
    supports_prompt_caching: facts.supportsPromptCaching ?? null,
    supports_assistant_prefill: facts.supportsAssistantPrefill ?? null,
  };
}

/** Of several deployments: the largest windows and prices, limits added up, and what any of them can do. */
function groupOf(model: string, deployments: readonly Deployment[], { surroundings }: Management): Row {
  const facts = deployments.map((each) => factsOf(surroundings.facts(each)));
  const group: Row = { model_group: model, providers: [...new Set(deployments.map(({ provider }) => provider))] };
  for (const field of Object.keys(facts[0] ?? {})) {
    if (field === "max_tokens") continue;
    const values = facts.map((row) => row[field]).filter((value) => value !== null);
    if (values.length === 0) group[field] = null;
    else if (typeof values[0] === "number") group[field] = Math.max(...(values as number[]));
    else group[field] = values.includes(true);
  }
  const sum = (limits: readonly (number | undefined)[]): number | null =>
    limits.every((limit) => limit !== undefined) ? limits.reduce((total, limit) => total + limit, 0) : null;
  return { ...group, rpm: sum(deployments.map(({ rpm }) => rpm)), tpm: sum(deployments.map(({ tpm }) => tpm)) };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "";
}
