import type { ResponseFormat } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import type { RequestContext } from "./request-context.ts";
import { sanitizeSchema } from "./schema-sanitizer.ts";

/** How structured output is asked for: natively, by a tool whose input is the answer, or in words. */
export type EncodedFormat =
  | { readonly type: "none" }
  | { readonly type: "native"; readonly format: JsonObject }
  | { readonly type: "tool"; readonly tool: JsonObject }
  | { readonly type: "instruction"; readonly text: string };

/** `native`: the schema comes from Anthropic's own dialect and is not touched. */
export function encodeFormat(
  format: ResponseFormat | undefined,
  native: boolean,
  toolNames: ReadonlySet<string>,
  context: RequestContext,
): EncodedFormat {
  if (format === undefined || format.type === "text") return { type: "none" };
  if (format.type === "json") {
    context.note("response_format json_object was sent as an instruction");
    return { type: "instruction", text: "Respond with a single valid JSON object and nothing else." };
  }
  const { capabilities } = context;
  if (native && capabilities.structuredOutput) {
    return { type: "native", format: { type: "json_schema", schema: format.schema } };
  }
  const sanitized = capabilities.structuredOutput
    ? sanitizeSchema(format.schema)
    : { obstacle: "the model has no structured output" };
  if ("schema" in sanitized) return { type: "native", format: { type: "json_schema", schema: sanitized.schema } };
  if (capabilities.forcedToolChoice && isObjectSchema(format.schema)) {
    context.note(`response_format was sent as a forced tool: ${sanitized.obstacle}`);
    const description = format.description ?? "Gives the final answer. Call it with the answer as its input.";
    return { type: "tool", tool: { name: freeName(format.name, toolNames), description, input_schema: format.schema } };
  }
  context.note(`response_format was sent as an instruction: ${sanitized.obstacle}`);
  return {
    type: "instruction",
    text: `Respond with a single JSON value and nothing else. It must be valid for this JSON Schema:\n${JSON.stringify(format.schema)}`,
  };
}

function isObjectSchema(schema: JsonObject): boolean {
  return schema.type === "object";
}

/** The schema's name as a tool name that no other tool has. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  const base = name.replaceAll(/[^\w-]/g, "_").slice(0, 60) || "answer";
  let free = base;
  for (let count = 2; taken.has(free); count++) free = `${base}_${count}`;
  return free;
}
