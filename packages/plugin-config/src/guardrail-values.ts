import { z } from "zod";
import { didYouMean } from "@signalbox/kernel";

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
