import type { EntryStore, LineSum } from "../ledger-stores.ts";
import type { NanoUsd } from "../money.ts";
import { lineKey } from "./line-key.ts";

const PAGE = 1_000;

/** What entries have posted on each budget line: as their store sums them up, or else added up here. */
export async function* sumsOfLines(entries: EntryStore): AsyncGenerator<readonly LineSum[]> {
  if (entries.lineSums !== undefined) {
    yield* entries.lineSums();
    return;
  }
  const sums = new Map<string, { line: LineSum["line"]; posted: NanoUsd }>();
  for (let offset = 0; ; offset += PAGE) {
    const page = await entries.list({ limit: PAGE, offset });
    for (const { lines = [], billed } of page) {
      for (const line of lines) {
        const key = lineKey({ ...line, limit: null });
        const sum = sums.get(key) ?? { line, posted: 0n };
        sums.set(key, sum);
        sum.posted += billed;
      }
    }
    if (page.length < PAGE) break;
  }
  yield [...sums.values()];
}
