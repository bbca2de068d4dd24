import type { Dialect } from "@signalbox/kernel";
import { countTokensDialect } from "./count-tokens-dialect.ts";
import { messagesDialect } from "./messages-dialect.ts";
import { modelsDialect } from "./models-dialect.ts";

/** What Anthropic's client libraries speak: Messages, token counts, models. */
export function anthropicDialects(): readonly Dialect[] {
  return [messagesDialect(), countTokensDialect(), modelsDialect()];
}
