import { GatewayError } from "@signalbox/kernel";

/** Result codes of SQLite, without their extensions (sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;
const CONSTRAINT = 19;
const PRIMARY_CODE = 0xff;
/** Too big, against a rule of its table, of another type than its column: it would be the same the next time. */
const ABOUT_DATA: ReadonlySet<number> = new Set([18, CONSTRAINT, 20]);

const REMEDIES: Readonly<Record<number, string>> = {
  3: "the file may not be read or written: check its owner and permissions",
  5: "another program has locked the file",
  6: "another program has locked the file",
  8: "the file or its folder is read-only",
  10: "the disk cannot be read or written",
  11: "the file is damaged: restore it from a backup, or save what is left with the command .recover of sqlite3",
  13: "the disk is full: free some space",
  14: "the file cannot be opened: check that its folder exists and may be written",
  26: "the file is no SQLite database",
};

/** The result code, or undefined for an error that is not SQLite's. */
function resultCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !("errcode" in thrown) || typeof thrown.errcode !== "number") return undefined;
  return thrown.errcode & PRIMARY_CODE;
}

/** Another connection is in the way; it will go. */
export function isBusy(thrown: unknown): boolean {
  const code = resultCode(thrown);
  return code === BUSY || code === LOCKED;
}

/** An id or unique value is there already. */
export function isConstraint(thrown: unknown): boolean {
  return resultCode(thrown) === CONSTRAINT;
}

/** What SQLite says, with a remedy; `invalid_request` where the values are at fault; anything else as it was thrown. */
export function describeSqliteError(thrown: unknown, file: string): unknown {
  const code = resultCode(thrown);
  if (code === undefined) return thrown;
  if (ABOUT_DATA.has(code)) {
    const message = `the ledger ${file} cannot store this: ${(thrown as Error).message}`;
    return new GatewayError("invalid_request", message, { source: "ledger-sqlite", cause: thrown });
  }
  const remedy = REMEDIES[code] ?? `SQLite error ${code}: ${(thrown as Error).message}`;
  return unavailable(`the ledger ${file} does not work: ${remedy}`, thrown);
}

/** The ledger cannot decide. */
export function unavailable(message: string, cause?: unknown): GatewayError {
  return new GatewayError("ledger_unavailable", message, { source: "ledger-sqlite", retryAfterMs: 1_000, cause });
}
