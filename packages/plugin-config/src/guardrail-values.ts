import { z } from "zod";
import { didYouMean, Secret } from "@signalbox/kernel";
import { credential } from "./values.ts";

// The kinds of values that keys about guardrails take. Every message completes the sentence "<key> …".

const expected = (what: string): { readonly error: string } => ({ error: `must be ${what}` });

/** When a guardrail works. */
export type GuardrailTime = "before" | "during" | "after" | "log";

const TIMES: Readonly<Record<string, GuardrailTime>> = {
  pre_call: "before",
  during_call: "during",
  post_call: "after",
  logging_only: "log",
};
const OF_TOOLS = ["pre_mcp_call", "during_mcp_call", "post_mcp_call"];

const time = z.string(expected("the name of a mode")).transform((word, context) => {
  const known = Object.hasOwn(TIMES, word) ? TIMES[word] : undefined;
  if (known !== undefined) return known;
  const message = OF_TOOLS.includes(word)
    ? 'needs the plugin "mcp", which this gateway does not have'
    : `is not the name of a mode.${didYouMean(word, Object.keys(TIMES)) || ` It is one of ${Object.keys(TIMES).join(", ")}.`}`;
  context.issues.push({ code: "custom", message, input: word });
  return z.NEVER;
});

/** One, or several; always a list in the end. */
export const guardrailTimes: z.ZodType<readonly GuardrailTime[]> = z
  .unknown()
  .transform((given) => (typeof given === "string" ? [given] : given))
  .pipe(z.array(time, expected("the name of a mode, or a list of names")).min(1, expected("at least one mode")));

/** By which requests and keys choose it. */
export const guardrailName: z.ZodType<string> = z
  .string(expected("a name"))
  .regex(/^[^-\s,][^\s,]*$/, { error: "must have no spaces and commas, and no - in front" });

const ACTIONS = ["block", "mask", "flag"] as const;

/** What becomes of what is found. */
export const guardrailAction: z.ZodType<(typeof ACTIONS)[number]> = z.enum(
  ACTIONS,
  expected(`one of ${ACTIONS.join(", ")}`),
);

const DEFAULTS = ["allow", "deny"] as const;
export const allowOrDeny: z.ZodType<(typeof DEFAULTS)[number]> = z.enum(DEFAULTS, expected(DEFAULTS.join(" or ")));

export const onlyBlock: z.ZodType<"block"> = z.literal(
  "block",
  expected("block: tools that are denied are not offered, and calls of them end"),
);

/** Maps that the guardrail itself reads. */
export const mapList: z.ZodType<readonly Readonly<Record<string, unknown>>[]> = z.array(
  z.record(z.string(), z.unknown(), expected("a map")),
  expected("a list of maps"),
);

/** `{ topic: [words] }` */
export const wordLists: z.ZodType<Readonly<Record<string, readonly string[]>>> = z.record(
  z.string(),
  z.array(z.string(expected("a word")), expected("a list of words")),
  expected("a map of topics and their words"),
);

const FALLBACKS = { fail_open: "open", fail_closed: "closed" } as const;

/** What becomes of calls while nobody answers who should check them. */
export const unreachable: z.ZodType<"open" | "closed"> = z
  .enum(["fail_open", "fail_closed"], expected("fail_open or fail_closed"))
  .transform((word) => FALLBACKS[word]);

/** No log shows it. */
export const secret: z.ZodType<Secret> = credential.transform((value) => new Secret(value));

const ENTITY_ACTIONS = { MASK: "mask", BLOCK: "block" } as const;

/** `{ PERSON: MASK }` */
export const entityActions: z.ZodType<Readonly<Record<string, "mask" | "block">>> = z
  .record(
    z.string(),
    z.enum(["MASK", "BLOCK"], expected("MASK or BLOCK")).transform((word) => ENTITY_ACTIONS[word]),
    expected("a map of entities and what becomes of them"),
  )
  .refine((entities) => Object.keys(entities).length > 0, { error: "must name at least one entity" });

/** `{ violence: 0.7 }` */
export const scores: z.ZodType<Readonly<Record<string, number>>> = z.record(
  z.string(),
  z.number(expected("a score from 0 to 1")).min(0, expected("0 or more")).max(1, expected("1 or less")),
  expected("a map of scores"),
);

const severityLevel = z
  .int(expected("a whole number"))
  .min(1, expected("a severity from 1 to 7"))
  .max(7, expected("a severity from 1 to 7"));

/** From which severity on a category counts. */
export const severity: z.ZodType<number> = severityLevel;

/** `{ Hate: 2 }` */
export const severities: z.ZodType<Readonly<Record<string, number>>> = z.record(
  z.string(),
  severityLevel,
  expected("a map of categories and severities"),
);

const LEVELS = ["FourSeverityLevels", "EightSeverityLevels"] as const;
export const severityLevels: z.ZodType<(typeof LEVELS)[number]> = z.enum(LEVELS, expected(LEVELS.join(" or ")));

/** A number with or without quotes, or a word. */
export const version: z.ZodType<string> = z
  .union([z.string().min(1), z.int().positive()], expected("a number, or DRAFT"))
  .transform(String);

/** What an entry of `guardrails` holds once it has been checked. */
export interface GuardrailValues {
  readonly guardrail_name?: string;
  readonly litellm_params?: {
    readonly guardrail?: string;
    readonly mode?: readonly GuardrailTime[];
    readonly default_on?: boolean;
    readonly [setting: string]: unknown;
  };
}
