import type { GuardrailSettings } from "@signalbox/plugin-config";
import type { GuardrailOptions, ToolRule } from "@signalbox/plugin-guardrails";
import { commonOf, wrongEntry } from "./guardrail-row.ts";

const KEYS = ["id", "tool_name", "decision", "allowed_param_patterns"];

/** A name as an expression that a pattern with `*` can say: `^mcp__github_.*$`. */
const EXPRESSION = /^\^?((?:[\w:/-]|\\\.|\.\*|\*)+)\$?$/;

/** Rules for tools as LiteLLM has them. */
export function toolPermission(settings: GuardrailSettings): GuardrailOptions {
  const { rules = [], default_action: otherwise = "deny" } = settings.settings;
  return {
    type: "tools",
    ...commonOf(settings),
    otherwise: otherwise as "allow" | "deny",
    rules: (rules as readonly Readonly<Record<string, unknown>>[]).flatMap((rule, index) => {
      const wrong = (message: string): Error => wrongEntry(settings, `rules[${index}] ${message}`);
      const unknown = Object.keys(rule).find((key) => !KEYS.includes(key));
      if (unknown !== undefined) throw wrong(`has no key ${JSON.stringify(unknown)}; it has ${KEYS.join(", ")}`);
      const { tool_name: name, decision, allowed_param_patterns: patterns = {} } = rule;
      if (decision !== "allow" && decision !== "deny") throw wrong("has a decision that is not allow or deny");
      const tool = toolPattern(name);
      if (tool === undefined) {
        throw wrong(
          "has a tool_name that is no name with * for anything: name tools one by one, or as in mcp__github_*",
        );
      }
      return toolRules(tool, decision, argumentsOf(patterns, wrong));
    }),
  };
}

/** A tool that is allowed with some arguments is denied with others, whatever holds for tools without a rule. */
function toolRules(
  tool: string,
  effect: "allow" | "deny",
  given: Readonly<Record<string, string>>,
): readonly ToolRule[] {
  if (Object.keys(given).length === 0) return [{ tool, effect }];
  const rule: ToolRule = { tool, effect, arguments: given };
  return effect === "deny" ? [rule] : [rule, { tool, effect: "deny" }];
}

function toolPattern(name: unknown): string | undefined {
  const expression = typeof name === "string" ? EXPRESSION.exec(name)?.[1] : undefined;
  return expression?.replaceAll(".*", "*").replaceAll("\\.", ".");
}

/** Patterns fit the whole value. A list is refused: each of its values would have to fit, and here one would do. */
function argumentsOf(patterns: unknown, wrong: (message: string) => Error): Readonly<Record<string, string>> {
  const entries = typeof patterns === "object" && patterns !== null ? Object.entries(patterns) : [["", undefined]];
  return Object.fromEntries(
    entries.map(([path, pattern]) => {
      if (typeof pattern !== "string")
        throw wrong("has allowed_param_patterns that are no map of paths and expressions");
      if (String(path).includes("[")) throw wrong(`bounds the values of a list, ${path}; that is not possible yet`);
      return [path, `^(?:${pattern})$`];
    }),
  );
}
