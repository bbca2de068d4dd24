import type { Stats } from "node:fs";
import { accessSync, constants, lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";

const MAX_BYTES = 5_000_000;
const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;

export interface FileText {
  /** Where the file really is. */
  readonly path: string;
  readonly text: string;
}

/**
 * Reads a configuration file, unless someone else could have put it there: it decides where keys and prompts are sent.
 * The file named by the operator may be a symbolic link (mounted configurations often are); an included one may not.
 *
 * @throws {Error} whose message says what is wrong, without the path
 */
export function readConfigFile(path: string, included: boolean): FileText {
  let real: string;
  try {
    if (included && lstatSync(path).isSymbolicLink()) {
      throw new Error("is a symbolic link; an included file must be a file of its own");
    }
    real = realpathSync(path);
  } catch (cause) {
    throw readable(cause);
  }
  const stats = statSync(real);
  if (!stats.isFile()) throw new Error("is not a file");
  if (stats.size > MAX_BYTES) throw new Error(`is larger than ${MAX_BYTES} bytes`);
  if (writableByOthers(real, stats)) {
    throw new Error(`can be written by every user of this machine; run: chmod o-w ${real}`);
  }
  const folder = dirname(real);
  const folderStats = statSync(folder);
  if (writableByOthers(folder, folderStats) && !protectedBySticky(folderStats, stats)) {
    throw new Error(`is in a folder that every user of this machine can write to; run: chmod o-w ${folder}`);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(real));
    return { path: real, text };
  } catch (cause) {
    throw readable(cause);
  }
}

function writableByOthers(path: string, stats: Stats): boolean {
  if (process.platform === "win32" || (stats.mode & WRITABLE_BY_OTHERS) === 0) return false;
  try {
    accessSync(path, constants.W_OK);
  } catch (cause) {
    // A volume that is mounted read-only cannot be written by anyone, whatever the mode says.
    if ((cause as NodeJS.ErrnoException).code === "EROFS") return false;
  }
  return true;
}

/** In a folder such as /tmp only the owner can replace a file. */
function protectedBySticky(folder: Stats, file: Stats): boolean {
  return (folder.mode & STICKY) !== 0 && (file.uid === 0 || file.uid === process.getuid?.());
}

function readable(cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") return new Error("does not exist", { cause });
  if (code === "EACCES" || code === "EPERM") return new Error("may not be read by this user", { cause });
  if (code === "ELOOP") return new Error("is a symbolic link that leads back to itself", { cause });
  if (cause instanceof TypeError) return new Error("is not UTF-8 text", { cause });
  return new Error(message, { cause });
}
