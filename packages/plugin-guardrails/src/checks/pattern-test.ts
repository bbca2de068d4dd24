import type { RE2JS } from "re2js";
import { GatewayError } from "@signalbox/kernel";

/** Whether an expression is found in a text; in time that is linear in the text. */
export type PatternTest = (text: string) => boolean;

/**
 * An expression in the syntax of RE2.
 *
 * @throws {GatewayError} `option_invalid` for what is no expression
 */
export function patternTest(source: string, library: { readonly RE2JS: typeof RE2JS }): PatternTest {
  try {
    const compiled = library.RE2JS.compile(source);
    return (text) => compiled.matcher(text).find();
  } catch (thrown) {
    const message = `${JSON.stringify(source)} is no expression of RE2: ${(thrown as Error).message}`;
    throw new GatewayError("option_invalid", message, { cause: thrown });
  }
}
