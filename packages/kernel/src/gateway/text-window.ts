import type { Call } from "../call.ts";
import type { Guardrail, TextWindow } from "../guardrail.ts";
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
  async push(text: string): Promise<string> {
    this.#pending += text;
    return this.#pending === "" ? "" : await this.#check(false);
  }

  /** No more text follows. */
  async end(): Promise<string> {
    // a tool can be called without a word
    const unseen = this.#tool !== undefined && !this.#checked;
    return this.#pending === "" && !unseen ? "" : await this.#check(true);
  }

  /** All of the text at once. */
  async whole(text: string): Promise<string> {
    this.#pending = text;
    return await this.end();
  }

  /** What is kept back, unchecked; for guardrails that fail open. */
  rest(): string {
    const rest = this.#pending;
    this.#pending = "";
    return rest;
  }

  async #check(final: boolean): Promise<string> {
    const guardrail = this.#guardrail;
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
    const verdict = await guardrail.checkWindow?.(this.#call, window);
    if (verdict === undefined) return text;
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
