import type * as Re2js from "re2js";
import type { Guardrail, Plugin } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { checkOptions } from "./check-options.ts";
import { patternTest } from "./checks/pattern-test.ts";
import { languageGuardrail, sizeGuardrail } from "./checks/request-limits.ts";
import { toolGuardrail } from "./checks/tool-rules.ts";
import { personalDetectors, secretDetectors } from "./detectors/built-in.ts";
import type { Detector } from "./detectors/detector.ts";
import { injectionDetector } from "./detectors/injection.ts";
import { keywordDetector } from "./detectors/keywords.ts";
import { userPatternDetector } from "./detectors/user-pattern.ts";
import type { GuardrailOptions } from "./options.ts";
import { schemaGuardrail } from "./schema/schema-guardrail.ts";
import { commonOf, modesOf, textGuardrailOf } from "./text-options.ts";

/**
 * The built-in guardrails, in the order of the list: each sees what those in front of it let pass.
 *
 * ```ts
 * await guardrails([
 *   { type: "personal", name: "pii", action: "mask", reversible: true },
 *   { type: "secrets", name: "secrets" },
 * ]);
 * ```
 *
 * @throws {GatewayError} `option_invalid`, which names the guardrail and the option
 */
export async function guardrails(list: readonly GuardrailOptions[]): Promise<Plugin> {
  checkOptions(list);
  // Half a megabyte, and a compiler: only for those who have expressions.
  const needed = list.some(({ type }) => type === "patterns" || type === "tools" || type === "schema");
  const library = needed ? await import("re2js") : undefined;
  return { name: "guardrails", guardrails: list.map((options) => made(options, library)) };
}

type Library = typeof Re2js;

function made(options: GuardrailOptions, library: Library | undefined): Guardrail {
  const common = commonOf(options);
  const pattern = (source: string): ReturnType<typeof patternTest> => patternTest(source, library as Library);
  switch (options.type) {
    case "size":
      return sizeGuardrail({ ...common, ...parallelOf(options) }, options);
    case "languages":
      return languageGuardrail({ ...common, ...parallelOf(options) }, options.allow);
    case "tools":
      return toolGuardrail(common, options.rules, options.otherwise ?? "allow", pattern);
    case "schema":
      return schemaGuardrail(common, options.schema, options.repair ?? true, pattern);
    default:
      return textGuardrailOf(options, detectorsOf(options, library));
  }
}

function parallelOf(options: GuardrailOptions): { readonly parallel?: true } {
  return modesOf(options).includes("during") ? { parallel: true } : {};
}

function detectorsOf(options: GuardrailOptions, library: Library | undefined): readonly Detector[] {
  switch (options.type) {
    case "personal":
      return personalDetectors(options.kinds);
    case "secrets":
      return secretDetectors();
    case "keywords":
      return [
        ...(options.words === undefined ? [] : [keywordDetector(options.words, "keyword")]),
        ...Object.entries(options.topics ?? {}).map(([topic, words]) => keywordDetector(words, topic)),
      ];
    case "patterns":
      return options.patterns.map((each) => userPatternDetector(each, library as Library));
    case "injection":
      return [injectionDetector(options.threshold)];
    case "detectors":
      return options.detectors;
    default:
      throw new GatewayError("option_invalid", `guardrails: ${options.type} has no detectors`);
  }
}
