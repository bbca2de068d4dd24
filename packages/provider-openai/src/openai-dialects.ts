import type { Dialect } from "@signalbox/kernel";
import { chatDialect } from "./chat-dialect.ts";
import { completionsDialect } from "./completions-dialect.ts";
import { embeddingsDialect } from "./embeddings-dialect.ts";
import { modelsDialect } from "./models-dialect.ts";

/** How OpenAI's clients speak: chat and text completions, embeddings, models. */
export function openaiDialects(): readonly Dialect[] {
  return [chatDialect(), completionsDialect(), embeddingsDialect(), modelsDialect()];
}
