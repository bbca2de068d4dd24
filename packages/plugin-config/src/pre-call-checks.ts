import { z } from "zod";
import { didYouMean } from "@signalbox/kernel";
import type { ConfigValues } from "./config-values.ts";

/** Checks that something here answers to. */
const KNOWN = ["prompt_caching", "session_affinity", "deployment_affinity", "enforce_model_rate_limits"] as const;

/** Checks of plugins that are not there. */
const LATER: Readonly<Record<string, string>> = {
  router_budget_limiting: "budgets",
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
    .filter((name) => name === "enforce_model_rate_limits")
    .map(
      (name) => `router_settings.optional_pre_call_checks: "${name}" changes nothing, rpm and tpm are always kept to`,
    );
}
