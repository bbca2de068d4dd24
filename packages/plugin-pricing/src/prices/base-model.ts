import type { Deployment } from "@signalbox/kernel";

/** The model that prices go by where a deployment is named otherwise, as at Azure. */
export function baseModelOf({ info }: Deployment): string | undefined {
  const name = info?.["baseModel"] ?? info?.["base_model"];
  return typeof name === "string" && name !== "" ? name : undefined;
}

/** What the vendor's own documents call the model, as far as is known. */
export function modelNameOf(deployment: Deployment): string {
  return baseModelOf(deployment) ?? deployment.upstreamModel;
}
