import type { ChatRequest, ChatResult, Guardrail, Message } from "@signalbox/kernel";
import { ALLOW, GatewayError, guardrailFor, textOf } from "@signalbox/kernel";
import type { PatternTest } from "../checks/pattern-test.ts";
import type { Validator } from "./validate.ts";
import { SchemaError, validator } from "./validate.ts";

/**
 * Holds replies until they fit the schema that the request asks for, or a given one. A reply that does not is sent back to
 * the model once, with what is wrong; a second one that does not is refused. Answers that call tools are let through.
 *
 * A schema that cannot be checked fails the call with `invalid_request`.
 */
export function schemaGuardrail(
  common: Pick<Guardrail, "name" | "runs" | "dryRun">,
  given: Readonly<Record<string, unknown>> | undefined,
  repair: boolean,
  pattern: (source: string) => PatternTest,
): Guardrail {
  const always = given === undefined ? undefined : validator(given, pattern);

  function validatorFor(request: ChatRequest): Validator | undefined {
    if (always !== undefined) return always;
    const format = request.responseFormat;
    return format?.type === "jsonSchema" ? validator(format.schema, pattern) : undefined;
  }

  function problems(
    request: ChatRequest,
    result: ChatResult,
  ): { readonly text: string; readonly errors: readonly string[] } | undefined {
    const check = validatorFor(request);
    if (check === undefined) return undefined;
    for (const { content, finishReason } of result.choices) {
      if (finishReason === "toolCalls" || content.some(({ type }) => type === "toolCall" || type === "refusal"))
        continue;
      const text = textOf(content);
      const errors = errorsOf(check, text);
      if (errors.length > 0) return { text, errors };
    }
    return undefined;
  }

  return guardrailFor("chat", {
    ...common,
    streaming: "hold",
    checkResult(call, result) {
      const found = problems(call.request, result);
      if (found === undefined) return ALLOW;
      const reason = `the reply does not fit its schema: ${found.errors.join("; ")}`;
      if (!repair || call.state.get(ASKED) === true) return { action: "block", reason, category: "schema" };
      call.state.set(ASKED, true);
      return {
        action: "again",
        request: corrected(call.request, found.text, found.errors),
        reason,
        category: "schema",
      };
    },
  });
}

const ASKED = Symbol("asked for a reply that fits");

function errorsOf(check: Validator, text: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return ["it is no JSON"];
  }
  try {
    return check.errors(value);
  } catch (thrown) {
    if (!(thrown instanceof SchemaError)) throw thrown;
    throw new GatewayError("invalid_request", `the schema of the reply cannot be checked: ${thrown.message}`, {
      param: "response_format",
      cause: thrown,
    });
  }
}

function corrected(request: ChatRequest, text: string, errors: readonly string[]): ChatRequest {
  const wish =
    "Your answer does not fit the JSON schema that was asked for:\n" +
    `${errors.map((error) => `- ${error}`).join("\n")}\nAnswer again, with the corrected JSON and nothing else.`;
  const messages: Message[] = [...request.messages];
  // providers refuse messages without text
  if (text !== "") messages.push({ role: "assistant", content: [{ type: "text", text }] });
  messages.push({ role: "user", content: [{ type: "text", text: wish }] });
  return { ...request, messages };
}
