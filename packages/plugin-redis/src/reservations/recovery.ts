import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CounterRecovery, LineSum } from "@signalbox/kernel";
import type { Script } from "../connection/script.ts";
import { lifeOf, lineName } from "./line-name.ts";
import { JOIN, OPEN, REBUILD, TELL } from "./recovery-scripts.ts";

/** What rebuilding needs of the counters. */
export interface RecoveryOptions {
  /** Runs a script off the path of calls. */
  readonly run: (script: Script, args: readonly (string | number)[]) => Promise<unknown>;
  readonly hold: (part: CounterRecovery) => Promise<void>;
  /** Settlements as arguments of a script, some at a time. */
  readonly settlements: (part: CounterRecovery) => Iterable<readonly (string | number)[]>;
  readonly settledForMs: number;
  /** How long other processes have to be heard of. */
  readonly waitMs: number;
}

/** A member that was not heard of for as long does not keep the others waiting. */
const SILENT_MS = 10_000;
const ASK_EVERY_MS = 200;
/** Redis does nothing else meanwhile. */
const LINES_AT_ONCE = 200;

/** Rebuilds lost counters, together with every other process: each tells its part, one writes what entries say. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #member: string = randomUUID();

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Resolves when the counters are open. */
  async run(part: CounterRecovery): Promise<void> {
    let told = "";
    for (;;) {
      const [what, id] = await this.#join(told, part.first === true);
      if (what === "open") return;
      if (id !== told) {
        await this.#options.hold(part);
        if (await this.#tell(id, part)) told = id;
      } else if (what === "lead" && (await this.#lead(id, part))) return;
      else await sleep(ASK_EVERY_MS);
    }
  }

  async #join(told: string, first: boolean): Promise<readonly [what: string, id: string]> {
    const args = [this.#member, told, randomUUID(), first ? 0 : this.#options.waitMs, SILENT_MS];
    return (await this.#options.run(JOIN, args)) as readonly [string, string];
  }

  async #tell(id: string, part: CounterRecovery): Promise<boolean> {
    for (const args of this.#options.settlements(part)) {
      if ((await this.#options.run(TELL, [id, this.#options.settledForMs, ...args])) !== 1) return false;
    }
    return true;
  }

  /** False when the recovery is another one meanwhile, or somebody else's. */
  async #lead(id: string, part: CounterRecovery): Promise<boolean> {
    // what fails here fails in the next step as well
    const heard = setInterval(() => void this.#join(id, false).catch(() => undefined), SILENT_MS / 5);
    try {
      for await (const sums of part.written()) if (!(await this.#write(id, sums))) return false;
      return (await this.#options.run(OPEN, [id, randomUUID()])) === 1;
    } finally {
      clearInterval(heard);
    }
  }

  async #write(id: string, sums: readonly LineSum[]): Promise<boolean> {
    for (let at = 0; at < sums.length; at += LINES_AT_ONCE) {
      const args = sums
        .slice(at, at + LINES_AT_ONCE)
        .flatMap(({ line, posted }) => [lineName(line), posted.toString(), lifeOf(line)]);
      if ((await this.#options.run(REBUILD, [id, ...args])) !== 1) return false;
    }
    return true;
  }
}
