import { z } from "zod";
import type { ContentCondition } from "./content-routers.ts";

// The kinds of values that keys of content routers take. Every message completes the sentence "<key> …".

const expected = (what: string): { readonly error: string } => ({ error: `must be ${what}` });

const MAX_PHRASE = 200;
const MAX_WORD = 64;

/** Words and phrases to look for. */
export const phrases: z.ZodType<readonly string[]> = z
  .array(
    z
      .string(expected("text"))
      .max(MAX_PHRASE, expected(`at most ${MAX_PHRASE} characters`))
      .regex(/[\p{L}\p{N}]/u, expected("a word or phrase, with letters or digits"))
      .refine((text) => text.split(/\s/).every((word) => word.length <= MAX_WORD), {
        error: `must be of words with at most ${MAX_WORD} letters`,
      }),
    expected("a list of words and phrases"),
  )
  .min(1, expected("a list with at least one word or phrase"));

/** Whether tools are offered, or which. */
export const offeredTools: z.ZodType<NonNullable<ContentCondition["tools"]>> = z.union(
  [z.boolean(), z.array(z.string().min(1)).min(1)],
  expected("true, false or a list of names of tools"),
);

/** One model; LiteLLM also takes lists. */
export const tierModel: z.ZodType<string> = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)], expected("the name of a model"))
  .transform((value, context) => {
    const [model = "", ...others] = typeof value === "string" ? [value] : value;
    if (others.length === 0) return model;
    const message = "names several models; give their entries one model_name, and name that";
    context.issues.push({ code: "custom", message, input: value });
    return z.NEVER;
  });

const TIERS = ["SIMPLE", "MEDIUM", "COMPLEX", "REASONING"] as const;

export const tierName: z.ZodType<(typeof TIERS)[number]> = z.enum(TIERS, expected(`one of ${TIERS.join(", ")}`));
