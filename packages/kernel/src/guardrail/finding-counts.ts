import type { Call } from "../call.ts";
import type { GuardrailRecord } from "../trace.ts";

/** How many findings of which kind were masked or flagged; never what they were. */
export class FindingCounts {
  readonly #masked: Map<string, number> = new Map();
  readonly #flagged: Map<string, number> = new Map();

  add(what: "mask" | "flag", kind: string): void {
    const counts = what === "mask" ? this.#masked : this.#flagged;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }

  /** `masked 2 email, 1 card` */
  maskedText(): string {
    return `masked ${list(this.#masked)}`;
  }

  flaggedText(): string {
    return `found ${list(this.#flagged)}`;
  }

  /** Lines in the trace; of what is masked only where the kernel writes none itself, which is for streams. */
  record(call: Call, facts: Pick<GuardrailRecord, "guardrail" | "mode" | "dryRun">): void {
    for (const [category, count] of this.#flagged) call.trace.guard({ ...facts, action: "flagged", category, count });
    if (facts.mode === "input") return;
    for (const [category, count] of this.#masked) call.trace.guard({ ...facts, action: "masked", category, count });
  }
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
}
