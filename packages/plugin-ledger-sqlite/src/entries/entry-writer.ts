import type { Entry } from "@signalbox/kernel";
import type { Database, OpenTransaction } from "../database/database.ts";
import type { EntryRow, Value } from "./entry-row.ts";
import { COLUMNS, entryValues, linesText, readEntry, scopesText, scopeText } from "./entry-row.ts";
import { EntrySums } from "./entry-sums.ts";
import { ListTexts } from "./list-texts.ts";

const INSERT = `INSERT INTO entries (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})
ON CONFLICT (id) DO NOTHING`;
const REPLACE = `UPDATE entries SET ${COLUMNS.map((name) => `${name} = ?`).join(", ")} WHERE id = ? RETURNING seq`;
/** The clock is read once in so many entries. */
const ENTRIES_PER_LOOK = 8;

/** Writes entries and their sums, a few milliseconds at a time. */
export class EntryWriter {
  readonly #database: Database;
  readonly #sums: EntrySums;
  readonly #scopes: ListTexts<Entry["scopes"][number]> = new ListTexts(scopesText);
  readonly #lines: ListTexts<NonNullable<Entry["lines"]>[number]> = new ListTexts(linesText);
  readonly #sliceMs: number;
  /** Whether the last transaction is not known to be written. */
  #uncertain = false;

  /** `batchMs`: how long one transaction may take; the sums take about as long as the entries. */
  constructor(database: Database, batchMs: number) {
    this.#database = database;
    this.#sums = new EntrySums(database);
    this.#sliceMs = batchMs / 2;
  }

  /** Writes the entries from `start` on until its time is over; answers the first one that is left. */
  write(entries: readonly Entry[], start: number, { after }: OpenTransaction): number {
    if (this.#uncertain) this.#sums.discard();
    this.#uncertain = true;
    after.push(() => {
      this.#uncertain = false;
    });
    const until = performance.now() + this.#sliceMs;
    let at = start;
    do {
      this.#one(entries[at] as Entry);
      at++;
    } while (at < entries.length && (at % ENTRIES_PER_LOOK !== 0 || performance.now() < until));
    this.#sums.flush();
    return at;
  }

  #one(entry: Entry): void {
    const scopes = this.#scopes.of(entry.scopes);
    const { changes, lastInsertRowid } = this.#database.statement(INSERT).run(...this.#values(entry, scopes));
    if (changes !== 0) {
      this.#sums.add(entry, scopes, 1);
      this.#addSessions(entry, lastInsertRowid);
    } else if (entry.status === "final" || entry.status === "void") {
      this.#correct(entry, scopes);
    }
  }

  #values(entry: Entry, scopes: string): Value[] {
    return entryValues(entry, scopes, entry.lines === undefined ? null : this.#lines.of(entry.lines));
  }

  /** Only what was a guess gives way to what is known. */
  #correct(entry: Entry, scopes: string): void {
    const row = this.#database.exactStatement("SELECT * FROM entries WHERE id = ?").get(entry.id);
    const before = readEntry(row as EntryRow);
    if (before.status !== "estimated" && before.status !== "counted") return;
    this.#sums.add(before, scopesText(before.scopes), -1);
    const replaced = this.#database.statement(REPLACE).get(...this.#values(entry, scopes), entry.id);
    const { seq } = replaced as { readonly seq: number };
    this.#sums.add(entry, scopes, 1);
    if (before.scopes.some(({ kind }) => kind === "session")) {
      this.#database.statement("DELETE FROM entry_sessions WHERE seq = ?").run(seq);
    }
    this.#addSessions(entry, seq);
  }

  #addSessions({ scopes }: Entry, seq: number | bigint): void {
    for (const scope of scopes) {
      if (scope.kind !== "session") continue;
      this.#database
        .statement("INSERT OR IGNORE INTO entry_sessions (scope, seq) VALUES (?, ?)")
        .run(scopeText(scope), seq);
    }
  }
}
