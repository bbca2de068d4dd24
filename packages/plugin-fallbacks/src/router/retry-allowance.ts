import type { Call, Deployment, ErrorCode } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { FailureClass } from "../health/cooldown-options.ts";
import { failureClass } from "../health/failure-class.ts";
import type { RouterSettings } from "../options.ts";

/** A repetition at the same deployment cannot end otherwise, whatever a policy says. */
const NEVER_REPEATED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "context_length_exceeded",
  "model_not_found",
  "provider_auth_failed",
]);

/** Repeated without being asked to. */
const REPEATED: ReadonlySet<FailureClass> = new Set<FailureClass>(["timeout", "rateLimit", "internalServer"]);

function classOf(error: GatewayError): FailureClass | undefined {
  const limited = error.code === "rate_limit_exceeded" || error.code === "concurrency_limit_exceeded";
  return limited ? "rateLimit" : failureClass(error);
}

/** What the policies say about a class of failures of a model; undefined: nothing. */
function policyFor(settings: RouterSettings, model: string | undefined, kind: FailureClass): number | undefined {
  return settings.modelRetryPolicies.get(model ?? "")?.[kind] ?? settings.retryPolicy[kind];
}

/** How often the deployments of its model may be tried again after this one has failed so. */
export function repetitionsAfter(
  error: GatewayError,
  deployment: Pick<Deployment, "model" | "maxRetries">,
  call: Call,
  wished: number | undefined,
  settings: RouterSettings,
): number {
  if (NEVER_REPEATED.has(error.code)) return 0;
  const kind = classOf(error);
  if (kind === undefined) return 0;
  const policy = policyFor(settings, deployment.model, kind);
  if (!REPEATED.has(kind)) {
    // what a caller got wrong stays wrong: only a provider can say that it was not the caller
    const allowed = kind === "contentPolicy" || error.retryable ? (policy ?? 0) : 0;
    return Math.min(allowed, wished ?? allowed);
  }
  const allowed = call.principal.routing?.retries ?? deployment.maxRetries ?? policy ?? settings.retries;
  return Math.min(allowed, wished ?? allowed);
}

/** How many other deployments of the model are tried after one has refused the gateway's credential. */
export function othersAfterRefusal(model: string | undefined, settings: RouterSettings): number {
  return policyFor(settings, model, "authentication") ?? Number.POSITIVE_INFINITY;
}

/**
 * The repetitions that a request allows: its member `num_retries`, which can only lower what is configured.
 *
 * @throws {GatewayError} `invalid_request`
 */
export function wishedRetries(call: Call): number | undefined {
  const extensions = call.options.extensions;
  if (extensions === undefined || !Object.hasOwn(extensions, "num_retries")) return undefined;
  const wished = extensions.num_retries;
  if (wished === undefined) return undefined;
  if (typeof wished === "number" && Number.isInteger(wished) && wished >= 0) return wished;
  throw new GatewayError("invalid_request", "num_retries must be a whole number, 0 or more", { param: "num_retries" });
}
