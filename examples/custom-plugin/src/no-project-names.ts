import type { Guardrail } from "@signalbox/kernel";
import { ALLOW, guardrailFor, textOf } from "@signalbox/kernel";

export function noProjectNames(names: readonly string[]): Guardrail {
  return guardrailFor("chat", {
    name: "no-project-names",
    checkRequest({ request }) {
      const found = request.messages.some(({ content }) => names.some((name) => textOf(content).includes(name)));
      return found ? { action: "block", reason: "the name of a project", category: "internal" } : ALLOW;
    },
  });
}
