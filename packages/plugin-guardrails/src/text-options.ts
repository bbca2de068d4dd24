import type { Guardrail, TextFinder } from "@signalbox/kernel";
import { textGuardrail } from "@signalbox/kernel";
import type { Detector } from "./detectors/detector.ts";
import { mergedFinder } from "./detectors/merged-finder.ts";
import type { GuardrailMode, GuardrailOptions } from "./options.ts";

/** When a guardrail works. */
export function modesOf({ mode = ["before", "after"] }: Pick<GuardrailOptions, "mode">): readonly GuardrailMode[] {
  return typeof mode === "string" ? [mode] : mode;
}

/** What is the same for all guardrails. */
export function commonOf(options: GuardrailOptions): Pick<Guardrail, "name" | "runs" | "dryRun"> {
  const dry = options.dryRun === true || modesOf(options).includes("log");
  return {
    name: options.name,
    ...(options.runs !== undefined && { runs: options.runs }),
    ...(dry && { dryRun: true }),
  };
}

type TextOptions = Extract<GuardrailOptions, { readonly action?: unknown }>;

/** A guardrail of detectors. */
export function textGuardrailOf(options: GuardrailOptions, detectors: readonly Detector[]): Guardrail {
  const { action = "block", mask, reversible, reasons, minConfidence = 0 } = options as TextOptions;
  const modes = modesOf(options);
  const log = modes.includes("log");
  const requests = log || modes.includes("before") || modes.includes("during");
  // An attempt to take the model over comes from outside; replies talk about it.
  const replies = (log || modes.includes("after")) && options.type !== "injection";
  return textGuardrail({
    ...commonOf(options),
    ...(modes.includes("during") && { parallel: true }),
    finder: sureFinder(mergedFinder(detectors), minConfidence),
    action,
    sides: requests && replies ? "both" : requests ? "input" : "output",
    ...(mask !== undefined && { mask }),
    ...(reversible !== undefined && { reversible }),
    ...(reasons !== undefined && { reasons }),
  });
}

/** Passes over what the detectors are less sure of. */
function sureFinder(finder: TextFinder, least: number): TextFinder {
  if (least <= 0) return finder;
  return {
    ...finder,
    async find(text, from, context) {
      const findings = await finder.find(text, from, context);
      return findings.filter(({ confidence = 1 }) => confidence >= least);
    },
  };
}
