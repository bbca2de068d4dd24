import type { KeyPath, Source } from "./source.ts";
import { pathText } from "./source.ts";

/** A value, and the key that it was given with. */
export type Given<Value> = readonly [path: KeyPath, value: Value | undefined];

/**
 * What may be said with several keys: the first that is given. Another one that says something else is a problem.
 */
export function oneOfSeveral<Value extends string | number | boolean>(
  source: Source,
  ...given: readonly Given<Value>[]
): Value | undefined {
  const [first, ...others] = given.filter(([, value]) => value !== undefined);
  for (const [path, value] of others) {
    if (first === undefined || value === first[1]) continue;
    source.problem(path, `says ${value}, and ${pathText(first[0])} says ${first[1]}`, "keep one of the two");
  }
  return first?.[1];
}

/** A key that only does something when another one of its section is there. Off, with that one, is what was wanted. */
export function needsSwitch(source: Source, section: string, key: string, other: string, remedy: string): void {
  if (!source.has([section, key]) || !source.lacks([section], other)) return;
  source.problem([section, key], "has no effect alone", remedy);
}
