import { z } from "zod";

const TTLS = ["5m", "1h"] as const;
const expected = (what: string): { readonly error: string } => ({ error: `must be ${what}` });

const ttl = z.enum(TTLS, expected('"5m" or "1h"')).exactOptional();

const point = z
  .strictObject({
    location: z.enum(["message", "tools", "tool_config"], expected('"message" or "tools"')),
    role: z
      .enum(
        ["system", "developer", "user", "assistant", "tool"],
        expected('"system", "developer", "user", "assistant" or "tool"'),
      )
      .exactOptional(),
    index: z.int(expected("a whole number")).exactOptional(),
    control: z.strictObject({ type: z.literal("ephemeral", expected('"ephemeral"')), ttl }).exactOptional(),
  })
  .check((context) => {
    const { location, role, index } = context.value;
    const message =
      location === "message"
        ? role === undefined && index === undefined && "needs role or index, to say which message"
        : (role !== undefined || index !== undefined) && "takes role and index for messages only";
    if (message !== false) context.issues.push({ code: "custom", message, input: context.value });
  })
  .transform(({ location, role, index, control }) => ({
    location: location === "message" ? location : ("tools" as const),
    ...(role !== undefined && { role }),
    ...(index !== undefined && { index }),
    ...(control?.ttl !== undefined && { ttl: control.ttl }),
  }));

/** Places for prompt-cache breakpoints, in the form that a deployment's `info` has them. */
export const cachePoints: z.ZodType<readonly Readonly<Record<string, unknown>>[]> = z.array(
  point,
  expected('a list of places, as in [{"location": "message", "role": "system"}]'),
);
