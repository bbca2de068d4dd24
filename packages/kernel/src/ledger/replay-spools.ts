import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EntryStore, LineSettlement, ReservationStore } from "../ledger-stores.ts";
import { foldRecords, settlementOf } from "./fold-records.ts";
import type { RefusedEntries } from "./refused-entries.ts";
import { takeOver } from "./spool-directory.ts";
import { readFrames } from "./spool-frames.ts";
import type { SpoolRecord } from "./spool-records.ts";
import { readRecord } from "./spool-records.ts";

const SEGMENT = /^\d{8}\.log$/;
/** Entries in one write. */
const MOST_ROWS = 1_000;
/** Entries that are looked for at once. */
const AT_ONCE = 8;

/** What a replay needs. */
export interface ReplayOptions {
  /** Where all processes have their spools. */
  readonly root: string;
  /** undefined: the counters are lost, and will be rebuilt from entries. */
  readonly reservations: ReservationStore | undefined;
  readonly entries: EntryStore;
  readonly refused: RefusedEntries;
  readonly abandonedMs: number | undefined;
}

/**
 * Ends the attempts of processes that are gone, as their spools tell; then the spools are deleted. Answers how many.
 * Without counters only their entries are written.
 */
export async function replaySpools(options: ReplayOptions): Promise<number> {
  const { root, reservations, entries, refused, abandonedMs } = options;
  const left = new Set(await takeOver(root, abandonedMs === undefined ? {} : { abandonedMs }));
  let replayed = 0;
  try {
    for (const directory of left) {
      const recovery = foldRecords(recordsOf(directory.path));
      if (reservations !== undefined) {
        for (const some of slices(recovery.settlements)) await reservations.settle(await recalled(some, entries));
      }
      for (const some of slices(recovery.entries)) await refused.append(entries, some);
      replayed += recovery.settlements.length;
      if (directory.before !== undefined) await reservations?.quiet?.(directory.before, undefined, 0);
      await directory.release(true);
      left.delete(directory);
    }
  } finally {
    // what could not be ended is for the next start
    for (const directory of left) await directory.release(false);
  }
  return replayed;
}

/**
 * Entries are the truth: what one says for certain is what counters shall have, and of what one has posted already,
 * counters that have forgotten the id post only the difference.
 */
async function recalled(
  settlements: readonly LineSettlement[],
  entries: EntryStore,
): Promise<readonly LineSettlement[]> {
  const found: LineSettlement[] = [];
  for (const some of slices(settlements, AT_ONCE)) {
    const known = await Promise.all(some.map(({ id }) => entries.get(id)));
    for (const [at, settlement] of some.entries()) {
      const entry = known[at];
      if (entry === undefined) found.push(settlement);
      else {
        const certain = entry.status === "final" || entry.status === "void";
        const { actual, status } = certain ? settlementOf(entry) : settlement;
        found.push({ ...settlement, actual, status, written: entry.billed });
      }
    }
  }
  return found;
}

/** A damaged record ends its segment only: the next one was begun by itself. */
function* recordsOf(directory: string): Generator<SpoolRecord> {
  for (const name of readdirSync(directory)
    .filter((each) => SEGMENT.test(each))
    .sort()) {
    for (const payload of readFrames(readFileSync(join(directory, name))).payloads) yield readRecord(payload);
  }
}

function* slices<Item>(items: readonly Item[], most: number = MOST_ROWS): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += most) yield items.slice(at, at + most);
}
