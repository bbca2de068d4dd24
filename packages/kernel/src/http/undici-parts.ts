import { createRequire } from "node:module";
import type * as Undici from "undici";

const require = createRequire(import.meta.url);

/**
 * The parts of undici that every transport needs, without the rest: its index also loads fetch, web sockets, caches and
 * mocks, which cost each start some 45 ms and 11 MB. A release that has moved a part is loaded whole.
 */
export const Pool: typeof Undici.Pool = part("dispatcher/pool.js", "Pool");
export const buildConnector: typeof Undici.buildConnector = part("core/connect.js", "buildConnector");

/** Everything, for the few who need a proxy. */
export function wholeUndici(): typeof Undici {
  return require("undici") as typeof Undici;
}

function part<Name extends "Pool" | "buildConnector">(path: string, name: Name): (typeof Undici)[Name] {
  try {
    return require(`undici/lib/${path}`) as (typeof Undici)[Name];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "MODULE_NOT_FOUND" && code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw error;
    return wholeUndici()[name];
  }
}
