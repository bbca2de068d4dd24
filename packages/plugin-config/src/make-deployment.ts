import type { Deployment } from "@signalbox/kernel";
import { Secret } from "@signalbox/kernel";
import type { ModelValues } from "./config-values.ts";
import { modelInfo } from "./model-info.ts";
import type { FoundModel } from "./model-string.ts";
import { publicName } from "./public-names.ts";
import { milliseconds } from "./timeouts.ts";

/** What a deployment has that is not written in its entry. */
export interface DeploymentIdentity {
  readonly id: string;
  readonly organization: string | undefined;
  /** The provider's usual key. */
  readonly usualKey: string | undefined;
}

/** An entry of `model_list` in the words of the gateway. */
export function makeDeployment(entry: ModelValues, found: FoundModel, identity: DeploymentIdentity): Deployment {
  const { litellm_params: params = {}, model_info: about = {} } = entry;
  const { id, organization, usualKey } = identity;
  const apiKey = params.api_key ?? usualKey;
  const maxRetries = params.num_retries ?? params.max_retries;
  const info = modelInfo(entry);
  const headers = {
    ...params.extra_headers,
    ...(organization !== undefined && { "openai-organization": organization }),
  };
  return {
    id,
    model: publicName(entry) ?? "",
    provider: found.provider.name,
    upstreamModel: found.upstreamModel,
    ...(apiKey !== undefined && { apiKey: new Secret(apiKey) }),
    ...(params.api_base !== undefined && { baseUrl: params.api_base }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(params.timeout !== undefined && { timeoutMs: milliseconds(params.timeout) }),
    ...(params.stream_timeout !== undefined && { streamTimeoutMs: milliseconds(params.stream_timeout) }),
    ...(params.drop_params !== undefined && { dropParams: params.drop_params }),
    ...(params.additional_drop_params !== undefined && { additionalDropParams: params.additional_drop_params }),
    ...(params.allowed_openai_params !== undefined && { allowedParams: params.allowed_openai_params }),
    ...(params.extra_body !== undefined && { extraBody: params.extra_body }),
    ...(params.weight !== undefined && { weight: params.weight }),
    ...(params.order !== undefined && { order: params.order }),
    ...(params.rpm !== undefined && { rpm: params.rpm }),
    ...(params.tpm !== undefined && { tpm: params.tpm }),
    ...(params.max_parallel_requests !== undefined && { maxParallel: params.max_parallel_requests }),
    ...(maxRetries !== undefined && { maxRetries }),
    ...(about.team_id !== undefined && { teamId: about.team_id }),
    ...(params.region_name !== undefined && { region: params.region_name }),
    ...(params.tags !== undefined && { tags: params.tags }),
    ...(info !== undefined && { info }),
  };
}
