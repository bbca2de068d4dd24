import type { Check } from "../checks.ts";

/** One kind of trouble. A file in `scenarios/` exports one as `scenario`; the file's name is its name. */
export interface Scenario {
  /** What happens, in one line. */
  readonly about: string;
  run(): Promise<readonly Check[]>;
}
