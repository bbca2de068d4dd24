import type { Call } from "../call.ts";
import type { Block, Guardrail, RequestVerdict, TextWindow, WindowVerdict } from "../guardrail.ts";
import { ALLOW } from "../guardrail.ts";
import type { OperationName, RequestOf } from "../operation.ts";
import { FindingCounts } from "./finding-counts.ts";
import { jsonText } from "./json-text.ts";
import { mapRequestText } from "./map-request-text.ts";
import { Placeholders } from "./placeholders.ts";
import { replaceFindings } from "./replace-findings.ts";
import type { FindContext, Finding, FoundIn, TextFinder } from "./text-finder.ts";
import { WindowView } from "./window-view.ts";

/** What becomes of a finding. `block` ends the call; `reroute` sends the request to another model (in replies: `flag`). */
export type FindingAction = "block" | "mask" | "flag" | "pass" | { readonly reroute: string };

/** What `textGuardrail` makes a guardrail of. */
export interface TextGuardrailOptions extends Pick<Guardrail, "name" | "failOpen" | "runs" | "parallel" | "dryRun"> {
  readonly finder: TextFinder;
  /** What becomes of each finding; a function decides by finding and place. */
  readonly action: FindingAction | ((finding: Finding, context: FindContext) => FindingAction);
  /** Default `both`. */
  readonly sides?: "input" | "output" | "both";
  /** What stands in the place of a masked piece. Default: its kind, `[EMAIL]`. */
  readonly mask?: (value: string, finding: Finding) => string;
  /**
   * Requests get placeholders, `[EMAIL_…]`, and the reply gets the pieces back, so that only the model does not see them.
   * They are the same in all calls of one caller. `key` makes them the same in all processes. Reasoning keeps them, because
   * it goes back to the model.
   */
  readonly reversible?: boolean | { readonly key: string };
  /** How streams are checked. Default: `window` if the finder says what is settled, else `hold`. */
  readonly streaming?: "window" | "hold" | "observe";
  /** Whether a block names what was found. Default true. */
  readonly reasons?: boolean;
}

/**
 * A guardrail of a finder: blocks, masks, flags or routes by what is found in requests of every operation, and in
 * replies, reasoning and arguments of tool calls included. Findings in a request are judged together: one that blocks wins.
 */
export function textGuardrail(options: TextGuardrailOptions): Guardrail {
  const { name, finder, action, sides = "both", reversible = false, reasons = true } = options;
  const placeholders =
    reversible === false ? undefined : new Placeholders(reversible === true ? undefined : reversible.key);
  const mask = options.mask ?? ((_value: string, { kind }: Finding): string => `[${kind.toUpperCase()}]`);
  const maskOf = (value: string, finding: Finding): string => finding.replacement ?? mask(value, finding);
  const decide = typeof action === "function" ? action : (): FindingAction => action;
  const mayMask = typeof action === "function" || action === "mask";
  const facts = { guardrail: name, ...(options.dryRun === true && { dryRun: true as const }) };
  const [inputs, outputs] = [sides !== "output", sides !== "input"];

  function blockBy({ kind, reason = `it contains ${kind}` }: Finding): Block {
    return { action: "block", category: kind, reason: reasons ? reason : "its content is not allowed" };
  }

  async function checkRequest<Name extends OperationName>(call: Call<Name>): Promise<RequestVerdict<Name>> {
    const texts: FoundIn[] = [];
    mapRequestText(call.operation, call.request, (text, kind) => {
      const words = kind === "arguments" ? jsonText(text, true).words : text;
      texts.push({ text: words, context: { call, mode: "input", kind } });
      return text;
    });
    const found = finder.findAll === undefined ? await eachFound(finder, texts) : await finder.findAll(texts, call);
    const masked: Finding[][] = [];
    const counts = new FindingCounts();
    let model: string | undefined;
    for (const [at, findings] of found.entries()) {
      const list: Finding[] = [];
      for (const finding of findings) {
        const what = decide(finding, texts[at]?.context ?? { call, mode: "input", kind: "text" });
        if (what === "block") return blockBy(finding);
        if (what === "mask") pushApart(list, finding);
        else if (typeof what === "object") model ??= what.reroute;
        if (what !== "pass") counts.add(what === "mask" ? "mask" : "flag", finding.kind);
      }
      masked.push(list);
    }
    counts.record(call, { ...facts, mode: "input" });
    const value = masked.every((list) => list.length === 0) ? undefined : rewritten(call, masked);
    if (model !== undefined) {
      return { action: "reroute", model, reason: counts.flaggedText(), ...(value !== undefined && { value }) };
    }
    return value === undefined ? ALLOW : { action: "rewrite", value, reason: counts.maskedText() };
  }

  function rewritten<Name extends OperationName>(
    call: Call<Name>,
    masked: readonly (readonly Finding[])[],
  ): RequestOf<Name> {
    let at = 0;
    return mapRequestText(call.operation, call.request, (text, kind) => {
      const findings = masked[at++] ?? [];
      if (findings.length === 0) return text;
      const replaced = (value: string, finding: Finding): string =>
        placeholders === undefined || options.dryRun === true
          ? maskOf(value, finding)
          : placeholders.replace(call, finding.kind, value);
      return replaceFindings(text, kind === "arguments", findings, replaced);
    });
  }

  function checkWindow(call: Call, window: TextWindow): WindowVerdict | Promise<WindowVerdict> {
    const originals = window.kind === "reasoning" ? undefined : placeholders?.originals(call);
    if (!outputs && originals === undefined) return { action: "release", consume: window.text.length };
    const view = new WindowView(window, originals);
    // Bare numbers in JSON are told from strings by all that stands in front of them.
    if (!window.final && window.kind === "arguments" && outputs && mayMask) return { action: "release", consume: 0 };
    const settled = outputs ? view.settled(finder) : view.settled();
    if (settled <= view.from && !window.final) return { action: "release", consume: 0 };
    if (!outputs) return verdict(call, window, view, settled, []);
    const context: FindContext = { call, mode: "output", kind: window.kind, ...(!window.final && { upTo: settled }) };
    const findings = finder.find(view.seen, view.from, context);
    return "then" in findings
      ? findings.then((each) => verdict(call, window, view, settled, each))
      : verdict(call, window, view, settled, findings);
  }

  function verdict(
    call: Call,
    window: TextWindow,
    view: WindowView,
    settled: number,
    findings: readonly Finding[],
  ): WindowVerdict {
    const context: FindContext = { call, mode: "output", kind: window.kind };
    const counts = new FindingCounts();
    const changes: Finding[] = [];
    const texts = new Map<Finding, string>();
    let done = view.from;
    for (const finding of view.merged(findings)) {
      if (finding.start >= settled) break;
      done = Math.max(done, finding.end);
      const original = view.originalOf(finding);
      if (original !== undefined) {
        if (pushApart(changes, finding)) texts.set(finding, original);
        continue;
      }
      const what = decide(finding, context);
      if (what === "block") return blockBy(finding);
      if (what === "mask") {
        const value = view.seen.slice(finding.start, finding.end);
        if (pushApart(changes, finding)) texts.set(finding, maskOf(value, finding));
      }
      if (what !== "pass") counts.add(what === "mask" ? "mask" : "flag", finding.kind);
    }
    counts.record(call, { ...facts, mode: "output" });
    return view.release(Math.max(done, settled), changes, (finding) => texts.get(finding) ?? "");
  }

  return {
    name,
    ...(options.failOpen !== undefined && { failOpen: options.failOpen }),
    ...(options.runs !== undefined && { runs: options.runs }),
    ...(options.parallel !== undefined && { parallel: options.parallel }),
    ...(options.dryRun !== undefined && { dryRun: options.dryRun }),
    ...(inputs && { checkRequest }),
    ...((outputs || placeholders !== undefined) && {
      streaming: options.streaming ?? (finder.settled === undefined && outputs ? "hold" : "window"),
      checkWindow,
    }),
  };
}

async function eachFound(finder: TextFinder, texts: readonly FoundIn[]): Promise<readonly (readonly Finding[])[]> {
  const found: (readonly Finding[])[] = [];
  for (const { text, context } of texts) {
    const findings = finder.find(text, 0, context);
    found.push("then" in findings ? await findings : findings);
  }
  return found;
}

/** Of two that overlap the first is changed. */
function pushApart(list: Finding[], finding: Finding): boolean {
  if (finding.start < (list.at(-1)?.end ?? 0)) return false;
  list.push(finding);
  return true;
}
