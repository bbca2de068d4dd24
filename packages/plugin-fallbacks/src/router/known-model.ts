import type { ModelTable } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";

/** @throws {GatewayError} `fallback_unknown` when no deployment serves a model that an option names */
export function checkKnown(model: string, named: string, option: string, models: ModelTable): void {
  if (models.deployments(model).length > 0) return;
  const near = models.nearest(model).map((name) => JSON.stringify(name));
  const hint = near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`;
  const message = `fallbacks: ${named} names the model ${JSON.stringify(model)}, which no deployment serves.${hint}`;
  throw new GatewayError("fallback_unknown", message, { param: option, source: "fallbacks" });
}
