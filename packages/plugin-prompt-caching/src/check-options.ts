import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import type { CachePoint, PromptCachingOptions } from "./options.ts";

const ttl = z.enum(["5m", "1h"]).exactOptional();

const pointSchema = z.discriminatedUnion("location", [
  z.strictObject({ location: z.literal("tools"), ttl }),
  z
    .strictObject({
      location: z.literal("message"),
      role: z.enum(["system", "developer", "user", "assistant", "tool"]).exactOptional(),
      index: z.int().exactOptional(),
      ttl,
    })
    .refine(({ role, index }) => role !== undefined || index !== undefined, 'needs "role" or "index"'),
]);

const pointsSchema = z.union([z.literal("auto"), z.array(pointSchema)], {
  error: (issue) => (Array.isArray(issue.input) ? undefined : 'must be "auto" or a list of points'),
});

const schema = z.strictObject({ points: pointsSchema.exactOptional(), ttl });

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(options: PromptCachingOptions): void {
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const { path, message } = firstFault(checked.error.issues);
  const name = path.join(".");
  const known = path.length === 1 ? didYouMean(name, Object.keys(schema.shape)) : "";
  throw new GatewayError("option_invalid", `prompt-caching: "${name}": ${message}${known}`, {
    param: name,
    source: "prompt-caching",
  });
}

/** The points of a deployment; a sentence instead, when they are none. */
export function readPoints(value: unknown): readonly CachePoint[] | "auto" | { readonly fault: string } {
  const checked = pointsSchema.safeParse(value);
  if (checked.success) return checked.data as readonly CachePoint[] | "auto";
  const { path, message } = firstFault(checked.error.issues);
  return { fault: `cacheControlInjectionPoints${path.map((step) => `[${String(step)}]`).join("")}: ${message}` };
}

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The first thing that is wrong; of a union, what is wrong with the form that was meant. */
function firstFault(issues: readonly z.core.$ZodIssue[]): Fault {
  const issue = issues[0] as z.core.$ZodIssue;
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const deepest = issue.errors.map(firstFault).toSorted((one, other) => other.path.length - one.path.length)[0];
    if (deepest !== undefined && deepest.path.length > 0) {
      return { path: [...issue.path, ...deepest.path], message: deepest.message };
    }
  }
  if (issue.code === "unrecognized_keys") {
    return { path: [...issue.path, issue.keys[0] as string], message: "there is no such option." };
  }
  return { path: issue.path, message: issue.message };
}
