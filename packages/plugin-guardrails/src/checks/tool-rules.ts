import type { Call, ChatRequest, Guardrail, TextWindow, Tool, WindowVerdict } from "@signalbox/kernel";
import { ALLOW, GatewayError, isCall } from "@signalbox/kernel";
import type { PatternTest } from "./pattern-test.ts";

/** Allows or denies calls of tools. */
export interface ToolRule {
  /** Names of tools, with `*` for anything: `delete_*`. */
  readonly tool: string;
  readonly effect: "allow" | "deny";
  /**
   * Only where arguments fit, by path and RE2 expression: `{ "path": "^/etc/" }`, `{ "items[*].url": "^http:" }`. All of them
   * must, each in one value at least. A rule with arguments is no rule for whether a tool is offered.
   */
  readonly arguments?: Readonly<Record<string, string>>;
}

interface CompiledRule {
  readonly named: (tool: string) => boolean;
  readonly effect: "allow" | "deny";
  readonly tests: readonly { readonly path: readonly string[]; readonly fits: PatternTest }[];
}

/**
 * Keeps the model to the tools and arguments that rules allow. Tools that are denied whatever their arguments are not even
 * offered; calls are judged when their arguments are there, before they are shown.
 */
export function toolGuardrail(
  common: Pick<Guardrail, "name" | "runs" | "dryRun">,
  rules: readonly ToolRule[],
  otherwise: "allow" | "deny",
  pattern: (source: string) => PatternTest,
): Guardrail {
  const compiled = rules.map((rule) => compileRule(rule, pattern));

  function denies(tool: string, values: unknown): boolean {
    for (const { named, effect, tests } of compiled) {
      if (!named(tool)) continue;
      if (tests.every(({ path, fits }) => valuesAt(values, path).some((value) => fits(textOf(value))))) {
        return effect === "deny";
      }
    }
    return otherwise === "deny";
  }

  /** Whatever the arguments are. */
  function neverAllowed(tool: string): boolean {
    for (const { named, effect, tests } of compiled) {
      if (!named(tool)) continue;
      if (effect === "allow") return false;
      if (tests.length === 0) return true;
    }
    return otherwise === "deny";
  }

  const block = (tool: string): { action: "block"; reason: string; category: string } => ({
    action: "block",
    reason: `the tool ${JSON.stringify(tool)} may not be called like this`,
    category: "tool",
  });

  return {
    ...common,
    checkRequest(call) {
      if (!isCall(call as Call, "chat")) return ALLOW;
      const request = call.request as ChatRequest;
      const tools = (request.tools ?? []).filter((tool) => !neverAllowed(nameOf(tool)));
      if (tools.length === (request.tools ?? []).length) return ALLOW;
      const choice = request.toolChoice;
      if (choice?.type === "tool" && neverAllowed(choice.name)) return block(choice.name);
      const { tools: _, toolChoice: __, ...rest } = request;
      const left = tools.length > 0 ? { ...request, tools } : rest;
      return { action: "rewrite", value: left as never, reason: "tools that may not be called are not offered" };
    },
    checkWindow(_call, window): WindowVerdict {
      if (window.kind !== "arguments" || window.tool === undefined) {
        return { action: "release", consume: window.text.length };
      }
      if (neverAllowed(window.tool)) return block(window.tool);
      if (!window.final) return { action: "release", consume: 0 };
      if (denies(window.tool, valuesOf(window))) return block(window.tool);
      return { action: "release", consume: window.text.length };
    },
  };
}

function nameOf(tool: Tool): string {
  return tool.name ?? ("value" in tool && typeof tool.value["type"] === "string" ? tool.value["type"] : "");
}

/** Arguments that are no JSON are one text. */
function valuesOf({ text }: TextWindow): unknown {
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch {
    return text;
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function compileRule(rule: ToolRule, pattern: (source: string) => PatternTest): CompiledRule {
  const parts = rule.tool.split("*");
  return {
    named: (tool) => fitsParts(tool, parts),
    effect: rule.effect,
    tests: Object.entries(rule.arguments ?? {}).map(([path, source]) => ({
      path: pathOf(path),
      fits: pattern(source),
    })),
  };
}

/** Without an expression: nothing in a name can make it slow. */
function fitsParts(tool: string, parts: readonly string[]): boolean {
  const [first = "", ...rest] = parts;
  if (!tool.startsWith(first)) return false;
  if (rest.length === 0) return tool === first;
  const last = rest.pop() as string;
  let at = first.length;
  for (const part of rest) {
    const found = tool.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return tool.length - last.length >= at && tool.endsWith(last);
}

/** `items[*].url` in steps; `$` and `$.` in front mean the same. */
function pathOf(path: string): readonly string[] {
  const steps = path.replace(/^\$\.?/, "").match(/[^.[\]]+/g) ?? [];
  if (path.length > 512 || (steps.length === 0 && path !== "$")) {
    throw new GatewayError("option_invalid", `guardrails(tools): ${JSON.stringify(path)} is no path of arguments`);
  }
  return steps;
}

function valuesAt(value: unknown, path: readonly string[]): readonly unknown[] {
  let values: readonly unknown[] = [value];
  for (const step of path) {
    values = values.flatMap((each) => {
      if (typeof each !== "object" || each === null) return [];
      if (step === "*") return Object.values(each);
      return Object.hasOwn(each, step) ? [(each as Record<string, unknown>)[step]] : [];
    });
  }
  return values;
}
