import type { Gateway, Principal } from "@signalbox/kernel";
import { grants } from "@signalbox/kernel";

/** Public names a principal may use, wildcards left out: what a listing shows. */
export function grantedModels(
  { models }: Gateway,
  principal: Principal,
): readonly { readonly name: string; readonly provider: string }[] {
  const granted: { readonly name: string; readonly provider: string }[] = [];
  for (const name of models.names()) {
    if (name.includes("*") || !principal.models.some((pattern) => grants(pattern, name))) continue;
    const deployment = models.deployments(name)[0];
    if (deployment !== undefined) granted.push({ name, provider: deployment.provider });
  }
  return granted;
}
