import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EntryStore, ReservationStore } from "../ledger-stores.ts";
import { foldRecords } from "./fold-records.ts";
import { takeOver } from "./spool-directory.ts";
import { readFrames } from "./spool-frames.ts";
import type { SpoolRecord } from "./spool-records.ts";
import { readRecord } from "./spool-records.ts";

const SEGMENT = /^\d{8}\.log$/;
/** Entries in one write. */
const MOST_ROWS = 1_000;

/** Ends the attempts of processes that are gone, as their spools tell; then the spools are deleted. Answers how many. */
export async function replaySpools(root: string, reservations: ReservationStore, entries: EntryStore): Promise<number> {
  const left = new Set(await takeOver(root));
  let replayed = 0;
  try {
    for (const directory of left) {
      const recovery = foldRecords(recordsOf(directory.path));
      for (const some of slices(recovery.settlements)) await reservations.settle(some);
      for (const some of slices(recovery.entries)) await entries.append(some);
      replayed += recovery.settlements.length;
      await directory.release(true);
      left.delete(directory);
    }
  } finally {
    // what could not be ended is for the next start
    for (const directory of left) await directory.release(false);
  }
  return replayed;
}

/** A damaged record ends its segment only: the next one was begun by itself. */
function* recordsOf(directory: string): Generator<SpoolRecord> {
  for (const name of readdirSync(directory)
    .filter((each) => SEGMENT.test(each))
    .sort()) {
    for (const payload of readFrames(readFileSync(join(directory, name))).payloads) yield readRecord(payload);
  }
}

function* slices<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += MOST_ROWS) yield items.slice(at, at + MOST_ROWS);
}
