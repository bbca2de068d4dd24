import type { Call, ModelSelector } from "@signalbox/kernel";
import { characterTable } from "./character-table.ts";
import type { Complexity } from "./complexity.ts";
import { COMPLEXITY_SIGNALS, complexityOf, DEFAULT_WEIGHTS } from "./complexity.ts";
import type { ComplexityTier, ContentRouterOptions, Thresholds } from "./content-options.ts";
import { COMPLEXITY_TIERS, checkContentOptions } from "./content-options.ts";
import { readyRule } from "./content-rules.ts";
import { Lexicon } from "./lexicon.ts";
import { chatOf, lastUserTurn, scanQuestion, scanSystem } from "./question.ts";
import { SIGNAL_WORDS, WORD_GROUPS } from "./signal-words.ts";
import { TextScan } from "./text-scan.ts";

const HUNDREDTHS = 100;

function tierOf(score: number, [medium, complex, reasoning]: Thresholds): ComplexityTier {
  if (score >= reasoning) return "reasoning";
  if (score >= complex) return "complex";
  return score >= medium ? "medium" : "simple";
}

/** Every tier's model: its own, else the next harder one's, else the next easier one's. */
function modelsOfTiers(tiers: NonNullable<ContentRouterOptions["tiers"]>): Readonly<Record<ComplexityTier, string>> {
  const filled: Partial<Record<ComplexityTier, string>> = {};
  for (const [index, tier] of COMPLEXITY_TIERS.entries()) {
    const harder = COMPLEXITY_TIERS.slice(index).find((each) => tiers[each] !== undefined);
    const easier = COMPLEXITY_TIERS.slice(0, index).findLast((each) => tiers[each] !== undefined);
    filled[tier] = tiers[harder ?? easier ?? "simple"] ?? tiers.simple;
  }
  return filled as Record<ComplexityTier, string>;
}

/** `0.62 (code 0.2, length 0.1)`: the strongest first, and nothing of the text. */
function explained({ score, contributions }: Complexity): string {
  const parts: { readonly signal: string; readonly hundredths: number }[] = [];
  for (const [index, signal] of COMPLEXITY_SIGNALS.entries()) {
    const hundredths = Math.round((contributions[index] as number) * HUNDREDTHS);
    if (hundredths !== 0) parts.push({ signal, hundredths });
  }
  parts.sort((one, other) => Math.abs(other.hundredths) - Math.abs(one.hundredths));
  const total = Math.round(score * HUNDREDTHS) / HUNDREDTHS;
  if (parts.length === 0) return `${total} (no signals)`;
  return `${total} (${parts.map(({ signal, hundredths }) => `${signal} ${hundredths / HUNDREDTHS}`).join(", ")})`;
}

function addSignalWords(lexicon: Lexicon): void {
  for (const [index, group] of WORD_GROUPS.entries()) {
    for (const line of SIGNAL_WORDS[group]) for (const words of line.split(",")) lexicon.add(words, index);
  }
}

/**
 * Chooses a model by what is asked: the first rule that holds, else a score for how hard the question is. Easy
 * questions go to a cheap or local model, hard ones to a strong one; the trace says which and why, without a word of the
 * text.
 *
 * The score is an estimate from the last user message, made without asking a model: the signals are those of
 * `ComplexitySignal`. Words are known in English, German, French, Spanish and Portuguese; for other languages there are
 * only code, signs, lists, length and the request's own fields, so that their questions come out easier than they are.
 * Of the system prompt only rules see anything: it is the same for all calls of an application.
 *
 * ```ts
 * contentRouter("auto", {
 *   rules: [{ name: "pictures", when: { images: true }, use: "gpt-5" }],
 *   tiers: { simple: "llama-local", medium: "gpt-5-mini", complex: "gpt-5", reasoning: "claude-opus" },
 * })
 * ```
 *
 * @throws {GatewayError} `option_invalid` naming the path
 */
export function contentRouter(model: string, options: ContentRouterOptions): ModelSelector {
  const thresholds = checkContentOptions(model, options);
  const { tiers } = options;
  const models = tiers === undefined ? undefined : modelsOfTiers(tiers);
  const defaultModel = (options.defaultModel ?? tiers?.simple) as string;
  const weights = { ...DEFAULT_WEIGHTS, ...options.weights };
  const ruleOptions = options.rules ?? [];

  const characters = characterTable();
  const meanings = WORD_GROUPS.length + ruleOptions.length;
  const question = new TextScan(characters, new Lexicon(characters, meanings));
  const system = new TextScan(characters, new Lexicon(characters, meanings));
  if (models !== undefined) addSignalWords(question.lexicon);
  const rules = ruleOptions.map((rule, index) =>
    readyRule(rule, WORD_GROUPS.length + index, question.lexicon, system.lexicon),
  );
  const readsSystem = ruleOptions.some(({ when }) => when.system !== undefined);
  const readsQuestion = models !== undefined || ruleOptions.some(({ when }) => when.contains !== undefined);
  const named = `content router ${JSON.stringify(model)}`;

  function select(call: Call): string {
    const request = chatOf(call);
    if (request === undefined) {
      call.trace.note("route", `${named}: ${call.operation} has no chat to look at → ${JSON.stringify(defaultModel)}`);
      return defaultModel;
    }
    if (readsQuestion) {
      question.begin();
      scanQuestion(question, lastUserTurn(request));
    }
    if (readsSystem) {
      system.begin();
      scanSystem(system, request);
    }
    const asked = { call, request };
    const rule = rules.find((each) => each.holds(asked));
    if (rule !== undefined) {
      call.trace.note("route", `${named}: rule ${JSON.stringify(rule.name)} → ${JSON.stringify(rule.use)}`);
      return rule.use;
    }
    if (models === undefined) {
      call.trace.note("route", `${named}: no rule holds → ${JSON.stringify(defaultModel)}`);
      return defaultModel;
    }
    const complexity = complexityOf(question, request, weights);
    const tier = tierOf(complexity.score, thresholds);
    const chosen = models[tier];
    call.trace.note("route", `${named}: score ${explained(complexity)} → ${tier} → ${JSON.stringify(chosen)}`);
    return chosen;
  }

  const targets = [...Object.values(models ?? {}), ...ruleOptions.map(({ use }) => use), defaultModel];
  return { model, targets: [...new Set(targets)], select };
}
