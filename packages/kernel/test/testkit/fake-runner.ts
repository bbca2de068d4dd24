import type { Runner } from "@signalbox/kernel/testkit";

export interface CollectedCase {
  readonly name: string;
  readonly body: () => Promise<void>;
}

/** A test runner that only collects, so that the kits themselves can be tested. */
export function fakeRunner(): Runner & {
  readonly cases: readonly CollectedCase[];
  readonly skipped: readonly string[];
} {
  const cases: CollectedCase[] = [];
  const skipped: string[] = [];
  return {
    cases,
    skipped,
    describe: (_name, body) => body(),
    it: Object.assign((name: string, body: () => Promise<void>) => void cases.push({ name, body }), {
      skip: (name: string) => void skipped.push(name),
    }),
  };
}

/** Runs the collected cases whose names match, in order; answers the failures as `name: message`. */
export async function failuresOf(cases: readonly CollectedCase[], match: RegExp = /./): Promise<readonly string[]> {
  const chosen = cases.filter(({ name }) => match.test(name));
  if (chosen.length === 0) throw new Error(`no case matches ${match}: ${cases.map(({ name }) => name).join(" | ")}`);
  const failures: string[] = [];
  for (const { name, body } of chosen) {
    try {
      await body();
    } catch (failure) {
      failures.push(`${name}: ${failure instanceof Error ? failure.message.split("\n")[0] : String(failure)}`);
    }
  }
  return failures;
}
