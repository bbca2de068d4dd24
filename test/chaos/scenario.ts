import type { Check } from "../checks.ts";

/** One kind of trouble. A file in `scenarios/` exports one as `scenario`; the file's name is its name. */
export interface Scenario {
  /** What happens, in one line. */
  readonly about: string;
  run(wishes: ScenarioWishes): Promise<readonly Check[]>;
}

/** How much of a scenario is wanted; most have nothing to leave out. */
export interface ScenarioWishes {
  /** All that it has, which may take minutes. */
  readonly long: boolean;
  /** Names of rounds. */
  readonly only: readonly string[] | undefined;
}
