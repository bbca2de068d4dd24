import type { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";

/** Where a set of options stands: `contentRouters.auto`, and a name for people: `the content router "auto"`. */
export interface OptionPlace {
  readonly path: string;
  readonly owner: string;
}

/** `option_invalid` that names the owner, the member and its path. */
export function optionInvalid({ path, owner }: OptionPlace, member: string, problem: string): GatewayError {
  const what = member === "" ? owner : `${owner}: ${JSON.stringify(member)}`;
  const param = member === "" ? path : `${path}.${member}`;
  return new GatewayError("option_invalid", `${what} ${problem}`, { param, source: "routing" });
}

/** `rules[0].when.tools`, as one would write it. */
function memberPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? String(step) : `.${String(step)}`;
  }
  return text;
}

/**
 * Checks options against a schema; what is misspelt is answered with the nearest of the known names.
 *
 * @throws {GatewayError} `option_invalid` naming the path
 */
export function checkOptions<Options>(
  schema: z.ZodType<Options>,
  options: unknown,
  place: OptionPlace,
  names: readonly string[],
): void {
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const issue = checked.error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const message = `is not an option.${didYouMean(key, names)}`;
    throw optionInvalid(place, memberPath([...issue.path, key]), message);
  }
  throw optionInvalid(place, memberPath(issue?.path ?? []), `is invalid: ${issue?.message ?? "check its type"}`);
}
