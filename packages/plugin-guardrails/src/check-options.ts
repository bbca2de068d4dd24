import { z } from "zod";
import { GatewayError } from "@signalbox/kernel";
import { PERSONAL_KINDS } from "./detectors/built-in.ts";
import type { GuardrailOptions } from "./options.ts";

const names = z.array(z.string().min(1));
const mode = z.enum(["before", "during", "after", "log"]);
const common = {
  name: z
    .string()
    .min(1)
    .regex(/^[^-\s,][^\s,]*$/, "must have no spaces and commas, and no - in front"),
  runs: z
    .strictObject({
      defaultOn: z.boolean().optional(),
      models: names.optional(),
      keys: names.optional(),
      users: names.optional(),
      teams: names.optional(),
      organizations: names.optional(),
    })
    .optional(),
  mode: z.union([mode, z.array(mode).min(1)]).optional(),
  dryRun: z.boolean().optional(),
};
const aFunction = z.custom<() => unknown>((value) => typeof value === "function", "must be a function");
const text = {
  ...common,
  action: z
    .union([z.enum(["block", "mask", "flag", "pass"]), z.strictObject({ reroute: z.string().min(1) }), aFunction])
    .optional(),
  mask: aFunction.optional(),
  reversible: z.union([z.boolean(), z.strictObject({ key: z.string().min(16) })]).optional(),
  reasons: z.boolean().optional(),
  minConfidence: z.number().min(0).max(1).optional(),
};
const words = z.array(z.string().trim().min(1).max(200)).min(1);

const OPTIONS = z.array(
  z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("personal"), ...text, kinds: z.array(z.enum(PERSONAL_KINDS)).min(1).optional() }),
    z.strictObject({ type: z.literal("secrets"), ...text }),
    z.strictObject({
      type: z.literal("keywords"),
      ...text,
      words: words.optional(),
      topics: z.record(z.string().min(1), words).optional(),
    }),
    z.strictObject({
      type: z.literal("patterns"),
      ...text,
      patterns: z
        .array(
          z.strictObject({
            pattern: z.string().min(1),
            kind: z.string().min(1).optional(),
            ignoreCase: z.boolean().optional(),
          }),
        )
        .min(1),
    }),
    z.strictObject({
      type: z.literal("detectors"),
      ...text,
      detectors: z.array(z.custom((value) => typeof value === "object" && value !== null && "find" in value)).min(1),
    }),
    z.strictObject({ type: z.literal("injection"), ...text, threshold: z.number().min(0).max(1).optional() }),
    z.strictObject({
      type: z.literal("size"),
      ...common,
      maxCharacters: z.int().positive().optional(),
      maxMessages: z.int().positive().optional(),
    }),
    z.strictObject({ type: z.literal("languages"), ...common, allow: names.min(1) }),
    z.strictObject({
      type: z.literal("tools"),
      ...common,
      rules: z.array(
        z.strictObject({
          tool: z.string().min(1),
          effect: z.enum(["allow", "deny"]),
          arguments: z.record(z.string(), z.string()).optional(),
        }),
      ),
      otherwise: z.enum(["allow", "deny"]).optional(),
    }),
    z.strictObject({
      type: z.literal("schema"),
      ...common,
      schema: z.record(z.string(), z.unknown()).optional(),
      repair: z.boolean().optional(),
    }),
  ]),
);

/**
 * Refuses what would check nothing, or not what is meant.
 *
 * @throws {GatewayError} `option_invalid`
 */
export function checkOptions(list: readonly GuardrailOptions[]): void {
  const parsed = OPTIONS.safeParse(list);
  const [issue] = parsed.error?.issues ?? [];
  if (issue !== undefined) throw refused(`${z.core.toDotPath(issue.path)}: ${issue.message}`);
  const taken = new Set<string>();
  for (const options of list) {
    if (taken.has(options.name)) throw refused(`two guardrails are named ${JSON.stringify(options.name)}`);
    taken.add(options.name);
    const named = JSON.stringify(options.name);
    if (options.type === "keywords" && options.words === undefined && options.topics === undefined) {
      throw refused(`${named} has neither words nor topics`);
    }
    if (options.type === "size" && options.maxCharacters === undefined && options.maxMessages === undefined) {
      throw refused(`${named} has no bound`);
    }
    const modes = [options.mode ?? []].flat();
    if (options.type === "injection" && modes.length > 0 && modes.every((each) => each === "after")) {
      throw refused(`${named} looks at requests; "after" never runs`);
    }
    if (
      "reversible" in options &&
      options.reversible &&
      options.action !== "mask" &&
      typeof options.action !== "function"
    ) {
      throw refused(`${named} is reversible, but does not mask`);
    }
    const during = modes.includes("during");
    if (during && "action" in options && options.action === "mask") {
      throw refused(`${named} masks, which it cannot do beside the call; use "before"`);
    }
  }
}

function refused(message: string): GatewayError {
  return new GatewayError("option_invalid", `guardrails: ${message}`, { source: "guardrails" });
}
