import type { Call } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import { isGatewayError } from "../errors.ts";
import type { ExplainedAttempt, Explanation } from "../gateway.ts";
import type { Provider } from "../provider.ts";
import type { AttemptsOptions } from "./attempts.ts";
import { canServe } from "./attempts.ts";
import { checkGrant, selectModel } from "./call-model.ts";
import type { CandidateIterator } from "./candidates.ts";
import { iterate, pull } from "./candidates.ts";
import { explainAttempt } from "./explain.ts";
import type { PlacedLayer } from "./pipeline.ts";

/** Routes a call as if every try failed, and tries nothing: no attempt begins, nobody is told of one. */
export async function explainCall(
  { models, selectors, router, providers }: Pick<AttemptsOptions, "models" | "selectors" | "router" | "providers">,
  layers: readonly PlacedLayer[],
  asked: Call,
): Promise<Explanation> {
  checkGrant(asked, models, selectors);
  const selector = selectors.get(asked.model);
  const call = selector === undefined ? asked : await selectModel(asked, selector);
  const attempts: ExplainedAttempt[] = [];
  const candidates = iterate(router.route(call));
  try {
    await explainCandidates(call, candidates, providers, attempts);
  } catch (thrown) {
    // A router with nothing left says so by its error: that, and what it skipped, is the explanation.
    if (!isGatewayError(thrown) || thrown.code === "model_not_found") throw thrown;
    call.trace.note("route", thrown.message);
  } finally {
    await candidates.return?.();
  }
  return {
    operation: call.operation,
    model: call.model,
    principal: call.principal.id,
    attempts,
    skipped: call.trace.skipped ?? [],
    notes: call.trace.notes ?? [],
    layers: layers.map(({ stage, plugin, name }) => ({ stage, plugin, name })),
  };
}

/** How long a router may think. What takes longer is a wait that a dry run has no part in. */
const PATIENCE_MS = 100;

/** What is pulled, unless it has to be waited for. */
async function atOnce(call: Call, found: ReturnType<typeof pull>): Promise<Deployment | undefined> {
  if (found === undefined || !("then" in found)) return found;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      call.trace.note("route", "a call would wait here until a deployment has room");
      resolve(undefined);
    }, PATIENCE_MS);
  });
  // nobody waits for it any more
  found.catch(() => undefined);
  try {
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function explainCandidates(
  call: Call,
  candidates: CandidateIterator,
  providers: AttemptsOptions["providers"],
  attempts: ExplainedAttempt[],
): Promise<void> {
  for (;;) {
    const found = pull(candidates, undefined);
    let deployment: Deployment | undefined;
    try {
      deployment = await atOnce(call, found);
    } catch (thrown) {
      // A wait that came to nothing: the next one would be tried.
      if (!isGatewayError(thrown)) throw thrown;
      call.trace.note("route", thrown.message);
      continue;
    }
    if (deployment === undefined) return;
    const provider = providers.get(deployment.provider);
    if (canServe(call, deployment, provider)) {
      attempts.push(await explainAttempt(call, deployment, provider as Provider));
    }
  }
}
