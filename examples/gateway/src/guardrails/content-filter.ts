import type { Plugin } from "@signalbox/kernel";
import { guardrailPipeline } from "@signalbox/kernel";
import type { GuardrailSettings } from "@signalbox/plugin-config";
import type { GuardrailOptions, PersonalKind, UserPattern } from "@signalbox/plugin-guardrails";
import { commonOf, wrongEntry } from "./guardrail-row.ts";

/** Names of ready-made patterns, and what finds the like here: kinds of personal data, or secrets. */
const PREBUILT: Readonly<Record<string, PersonalKind | "secrets">> = {
  email: "email",
  us_phone: "phone",
  phone: "phone",
  visa: "card",
  mastercard: "card",
  amex: "card",
  discover: "card",
  credit_card: "card",
  iban: "iban",
  us_ssn: "nationalId",
  br_cpf: "nationalId",
  ipv4: "ip",
  ipv6: "ip",
  aws_access_key: "secrets",
  aws_secret_key: "secrets",
  github_token: "secrets",
  slack_token: "secrets",
  generic_api_key: "secrets",
};

const ACTIONS = { BLOCK: "block", MASK: "mask" } as const;
type Action = (typeof ACTIONS)[keyof typeof ACTIONS];
type Entry = Readonly<Record<string, unknown>>;

/** What is to be found, by what becomes of it. */
interface Filter {
  readonly words: string[];
  readonly patterns: UserPattern[];
  readonly kinds: Set<PersonalKind>;
  secrets: boolean;
}

/** Words and patterns as LiteLLM has them: one guardrail, which blocks before it masks. */
export async function contentFilter(settings: GuardrailSettings): Promise<Plugin> {
  const filters: Readonly<Record<Action, Filter>> = { block: empty(), mask: empty() };
  const { patterns = [], blocked_words: words = [] } = settings.settings;
  for (const [index, entry] of (patterns as readonly Entry[]).entries()) addPattern(entry, index, filters, settings);
  for (const [index, entry] of (words as readonly Entry[]).entries()) addWord(entry, index, filters, settings);
  const list = (["block", "mask"] as const).flatMap((action) => optionsOf(filters[action], action, settings));
  if (list.length === 0) throw wrongEntry(settings, "names neither patterns nor blocked_words");
  const { guardrails } = await import("@signalbox/plugin-guardrails");
  if (list.length === 1) return await guardrails([{ ...(list[0] as GuardrailOptions), name: settings.name }]);
  const plugin = await guardrails(list);
  const steps = (plugin.guardrails ?? []).map((guardrail) => ({ guardrail }));
  const { name, runs } = commonOf(settings);
  const { mode = [] } = settings;
  const whole = guardrailPipeline({
    name,
    runs,
    steps,
    ...(mode.includes("during") && { parallel: true }),
    ...(mode.includes("log") && { dryRun: true }),
  });
  return { ...plugin, guardrails: [whole] };
}

const empty = (): Filter => ({ words: [], patterns: [], kinds: new Set(), secrets: false });

function optionsOf(filter: Filter, action: Action, settings: GuardrailSettings): readonly GuardrailOptions[] {
  const { words, patterns, kinds, secrets } = filter;
  const named = (what: string): ReturnType<typeof commonOf> & { readonly action: Action } => ({
    ...commonOf(settings),
    name: `${settings.name}-${action}-${what}`,
    action,
  });
  return [
    ...(words.length > 0 ? [{ type: "keywords" as const, ...named("words"), words }] : []),
    ...(patterns.length > 0 ? [{ type: "patterns" as const, ...named("patterns"), patterns }] : []),
    ...(kinds.size > 0 ? [{ type: "personal" as const, ...named("personal"), kinds: [...kinds] }] : []),
    ...(secrets ? [{ type: "secrets" as const, ...named("secrets") }] : []),
  ];
}

function addPattern(
  entry: Entry,
  index: number,
  filters: Readonly<Record<Action, Filter>>,
  settings: GuardrailSettings,
): void {
  const at = `patterns[${index}]`;
  checkKeys(entry, ["pattern_type", "pattern_name", "pattern", "name", "action"], at, settings);
  const filter = filters[actionOf(entry, at, settings)];
  const { pattern_type: type, pattern_name: prebuilt, pattern, name } = entry;
  if (type === "regex" && typeof pattern === "string") {
    filter.patterns.push({ pattern, ...(typeof name === "string" && { kind: name }) });
    return;
  }
  const found = type === "prebuilt" && typeof prebuilt === "string" ? PREBUILT[prebuilt] : undefined;
  if (found === undefined) {
    const all = Object.keys(PREBUILT).join(", ");
    throw wrongEntry(settings, `${at} must have pattern_type: regex and a pattern, or prebuilt and one of ${all}`);
  }
  if (found === "secrets") filter.secrets = true;
  else filter.kinds.add(found);
}

function addWord(
  entry: Entry,
  index: number,
  filters: Readonly<Record<Action, Filter>>,
  settings: GuardrailSettings,
): void {
  const at = `blocked_words[${index}]`;
  checkKeys(entry, ["keyword", "action", "description"], at, settings);
  if (typeof entry["keyword"] !== "string") throw wrongEntry(settings, `${at} must have a keyword`);
  filters[actionOf(entry, at, settings)].words.push(entry["keyword"]);
}

function actionOf({ action }: Entry, at: string, settings: GuardrailSettings): Action {
  if (action === "BLOCK" || action === "MASK") return ACTIONS[action];
  throw wrongEntry(settings, `${at} must have the action BLOCK or MASK`);
}

function checkKeys(entry: Entry, known: readonly string[], at: string, settings: GuardrailSettings): void {
  const unknown = Object.keys(entry).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw wrongEntry(settings, `${at} has no key ${JSON.stringify(unknown)}; it has ${known.join(", ")}`);
}
