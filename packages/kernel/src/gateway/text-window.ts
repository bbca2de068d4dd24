import type { Call } from "../call.ts";
import type { Guardrail, TextWindow, WindowVerdict } from "../guardrail.ts";
import { blocked } from "./guardrail-error.ts";

type Kind = TextWindow["kind"];

const LOOKBEHIND = 256;

/**
 * The text of one part on its way through a guardrail: collects what may not be released yet. What comes out, joined,
 * is the same for every split of what goes in, provided that the guardrail consumes only what no later text can change.
 */
export class WindowedText {
  readonly #guardrail: Guardrail;
  readonly #call: Call;
  readonly #choice: number;
  readonly kind: Kind;
  readonly #tool: string | undefined;
  #checked = false;
  #pending = "";
  #before = "";

  constructor(guardrail: Guardrail, call: Call, choice: number, kind: Kind, tool?: string) {
    this.#guardrail = guardrail;
    this.#call = call;
    this.#choice = choice;
    this.kind = kind;
    this.#tool = tool;
  }

  /** Adds text; answers what may be sent on now, possibly nothing. */
  push(text: string): string | Promise<string> {
    this.#pending += text;
    return this.#pending === "" ? "" : this.#check(false);
  }

  /** No more text follows. */
  end(): string | Promise<string> {
    // a tool can be called without a word
    const unseen = this.#tool !== undefined && !this.#checked;
    return this.#pending === "" && !unseen ? "" : this.#check(true);
  }

  /** All of the text at once. */
  whole(text: string): string | Promise<string> {
    this.#pending = text;
    return this.end();
  }

  /** What is kept back, unchecked; for guardrails that fail open. */
  rest(): string {
    const rest = this.#pending;
    this.#pending = "";
    return rest;
  }

  /** At once, where the guardrail answers at once: a stream has many of these. */
  #check(final: boolean): string | Promise<string> {
    const text = this.#pending;
    const tool = this.#tool;
    this.#checked = true;
    const window: TextWindow = {
      text,
      before: this.#before,
      final,
      choice: this.#choice,
      kind: this.kind,
      ...(tool !== undefined && { tool }),
    };
    const verdict = this.#guardrail.checkWindow?.(this.#call, window);
    if (verdict === undefined) return text;
    return "then" in verdict ? verdict.then((each) => this.#take(window, each)) : this.#take(window, verdict);
  }

  #take({ text, final }: TextWindow, verdict: WindowVerdict): string {
    const guardrail = this.#guardrail;
    if (verdict.action === "block") throw blocked(guardrail, verdict, "output");
    const { consume } = verdict;
    if (!Number.isInteger(consume) || consume < 0 || consume > text.length || (final && consume < text.length)) {
      throw new RangeError(
        `guardrail "${guardrail.name}" consumed ${consume} of ${text.length} characters` +
          (final ? " of the last window; it must consume all of them" : ""),
      );
    }
    const consumed = text.slice(0, consume);
    this.#before = (this.#before + consumed).slice(-LOOKBEHIND);
    this.#pending = text.slice(consume);
    return verdict.text ?? consumed;
  }
}
