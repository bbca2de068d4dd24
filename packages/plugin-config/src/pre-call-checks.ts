import { z } from "zod";
import { didYouMean } from "@signalbox/kernel";
import type { ConfigValues } from "./config-values.ts";

/** Checks that something here answers to. */
const KNOWN = [
  "prompt_caching",
  "session_affinity",
  "deployment_affinity",
  "enforce_model_rate_limits",
  "router_budget_limiting",
] as const;

/** Those that are made in any case. */
const ALWAYS: Readonly<Record<string, string>> = {
  enforce_model_rate_limits: "rpm and tpm are always kept to",
  router_budget_limiting: "budgets are always kept to",
};

/** Checks of plugins that are not there. */
const LATER: Readonly<Record<string, string>> = {
  responses_api_deployment_check: "responses-bridge",
  encrypted_content_affinity: "responses-bridge",
  forward_client_headers_by_model_group: "forward-headers",
};

/** `optional_pre_call_checks` */
export const preCallChecks: z.ZodType<readonly string[]> = z.array(
  z.string({ error: "must be the name of a check" }).check(({ value, issues }) => {
    const plugin = Object.hasOwn(LATER, value) ? LATER[value] : undefined;
    if (plugin !== undefined) {
      const message = `needs the plugin ${JSON.stringify(plugin)}, which this gateway does not have; remove it`;
      issues.push({ code: "custom", message, input: value });
    } else if (!KNOWN.some((name) => name === value)) {
      const hint = didYouMean(value, [...KNOWN, ...Object.keys(LATER)]) || ` It is one of ${KNOWN.join(", ")}.`;
      issues.push({ code: "custom", message: `is not the name of a check.${hint}`, input: value });
    }
  }),
  { error: "must be a list of names of checks" },
);

/** A sentence for each check that is made in any case: listing it changes nothing. */
export function checkNotices({ router_settings: router }: ConfigValues): readonly string[] {
  return (router?.optional_pre_call_checks ?? [])
    .filter((name) => ALWAYS[name] !== undefined)
    .map((name) => `router_settings.optional_pre_call_checks: "${name}" changes nothing, ${ALWAYS[name]}`);
}

/** A sentence for each key that is taken and has nothing to do. */
export function idleKeys({
  general_settings: general = {},
  litellm_settings: calls = {},
}: ConfigValues): readonly string[] {
  const { proxy_batch_write_at: batch, store_audit_logs: audit } = general;
  return [
    ...(batch === undefined
      ? []
      : ["general_settings.proxy_batch_write_at changes nothing: spend is written at once, in batches"]),
    ...(audit === undefined
      ? []
      : ["general_settings.store_audit_logs changes nothing: every change to keys and teams is on record"]),
    ...(calls.cache_params?.max_connections === undefined
      ? []
      : ["litellm_settings.cache_params.max_connections changes nothing: one connection serves all calls"]),
    ...(calls.enable_caching_on_provider_specific_optional_params === undefined
      ? []
      : [
          "litellm_settings.enable_caching_on_provider_specific_optional_params changes nothing: " +
            "every parameter is part of the cache key",
        ]),
    ...(calls.set_verbose === undefined ? [] : ["litellm_settings.set_verbose changes nothing: false is how it is"]),
  ];
}
