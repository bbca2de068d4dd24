import type { Deployment, OperationName, PricedWork, Pricing, RequestOf } from "@signalbox/kernel";
import type { PricingOptions } from "../src/index.ts";
import { pricing } from "../src/index.ts";

/** A day on which the golden prices held. */
export const DAY = Date.parse("2025-11-20T12:00:00Z");

/** Pricing that is set up, at a fixed time. */
export async function pricingAt(options: PricingOptions = {}, epochMs: number = DAY): Promise<Pricing> {
  const plugin = pricing({ now: () => epochMs, ...options });
  // it registers nothing
  await plugin.setup?.(undefined as never);
  return plugin.pricing as Pricing;
}

export function deploymentOf(provider: string, upstreamModel: string, rest: Partial<Deployment> = {}): Deployment {
  return { id: "d-1", model: "public", provider, upstreamModel, ...rest };
}

export function chatOf(
  deployment: Deployment,
  rest: Partial<Omit<RequestOf<"chat">, "model">> = {},
): PricedWork<"chat"> {
  const request = { model: "public", messages: [{ role: "user" as const, content: [] }], ...rest };
  return { deployment, operation: "chat", request };
}

export function workOf<Name extends OperationName>(
  deployment: Deployment,
  operation: Name,
  request: Omit<RequestOf<Name>, "model">,
): PricedWork<Name> {
  return { deployment, operation, request: { model: "public", ...request } as unknown as RequestOf<Name> };
}
