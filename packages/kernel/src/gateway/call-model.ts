import type { Call } from "../call.ts";
import type { ModelTable } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { ModelSelector } from "../model-selector.ts";
import { mayUse } from "../principal.ts";
import { modelNotFound } from "./listed-router.ts";

/** A caller's own alias grants nothing: its target must be granted. The gateway's aliases are granted by either name. */
export function isGranted({ request, model, principal }: Call): boolean {
  if (mayUse(principal, model)) return true;
  const asked = request.model;
  if (model === asked) return false;
  const own = principal.aliases !== undefined && Object.hasOwn(principal.aliases, asked);
  return !own && mayUse(principal, asked);
}

/**
 * Refuses a model that the caller was not granted; one that does not exist is `model_not_found` for everyone.
 */
export function checkGrant(call: Call, models: ModelTable, selectors: ReadonlyMap<string, ModelSelector>): void {
  if (isGranted(call)) return;
  const asked = call.request.model;
  const { model, principal } = call;
  if (models.deployments(model, principal).length === 0 && !selectors.has(model)) throw modelNotFound(call, models);
  throw new GatewayError("model_not_allowed", `this key may not use model ${JSON.stringify(asked)}`, {
    param: "model",
  });
}

/** What a selector has chosen for a call: one that is routed again, to continue a stream, stays with its model. */
const CHOSEN = Symbol("chosen model");

/** The model that serves a call, after its selector, if it has one and that has been asked. */
export function servingModel(call: Call): string {
  return (call.state.get(CHOSEN) as { readonly model: string } | undefined)?.model ?? call.model;
}

/** The call for the model that its selector chooses, once per call. */
export async function selectModel(call: Call, selector: ModelSelector): Promise<Call> {
  const before = call.state.get(CHOSEN) as { readonly by: ModelSelector; readonly model: string } | undefined;
  const model = before?.by === selector ? before.model : await selector.select(call);
  if (!selector.targets.includes(model)) {
    // The grant covers the targets, and nothing else.
    throw new GatewayError(
      "internal_error",
      `the selector for model ${JSON.stringify(selector.model)} answered ${JSON.stringify(model)}, which is none of its targets`,
    );
  }
  call.state.set(CHOSEN, { by: selector, model });
  return model === call.model ? call : { ...call, model };
}
