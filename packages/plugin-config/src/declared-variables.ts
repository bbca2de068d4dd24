import type { ConfigValues } from "./config-values.ts";
import type { Environment, Variables } from "./environment.ts";
import { Variables as Lookup, resolveReferences } from "./environment.ts";
import { Problems } from "./problem.ts";
import type { SourceMap } from "./source-tree.ts";

/**
 * What `environment_variables` declares; it wins over the real environment. Read before everything else, because the
 * rest may refer to it. What is wrong with it is reported later, with all other keys.
 */
export function declaredVariables(root: SourceMap, env: Environment): ReadonlyMap<string, string> {
  const declared = new Map<string, string>();
  const section = root.entries.get("environment_variables")?.value;
  if (section?.kind !== "map") return declared;
  const lookup = new Lookup(env);
  for (const [name, entry] of section.entries) {
    const resolved = resolveReferences(entry.value, "", lookup, new Problems());
    if (resolved.kind === "value" && typeof resolved.value === "string") declared.set(name, resolved.value);
  }
  return declared;
}

/** A warning for each declared variable that nothing reads. */
export function unusedVariables(
  values: ConfigValues,
  variables: Variables,
  read: readonly string[],
): readonly string[] {
  return Object.keys(values.environment_variables ?? {})
    .filter((name) => !variables.used(name) && !read.includes(name))
    .map((name) => `environment_variables.${name}: nothing in this configuration reads it`);
}
