/** Connection failures: class 08, shut down (57P01–57P03), too many clients (53300), and what sockets say. */
const UNREACHABLE = /^(08...|57P0[123]|53300|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const SILENT = /timeout|Connection terminated|connection is closed|not queryable|Connection ended/i;
/** Serialization failure, deadlock, lock not available. */
const REPEATABLE = /^(40001|40P01|55P03)$/;

/** What TLS says of certificates. */
const UNTRUSTED = /^(ERR_TLS_CERT\w+|UNABLE_TO_\w+|\w*SELF_SIGNED\w*|CERT_\w+)$/;

/** SQLSTATE, or the code of a socket's error: also of the error behind an error. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: readonly unknown[] };
  if (cause !== undefined) return codeOf(cause);
  if (typeof code === "string") return code;
  return errors === undefined ? "" : codeOf(errors[0]);
}

/** The database could not be asked, or did not answer. */
export function isUnreachable(error: unknown): boolean {
  const code = codeOf(error);
  return UNREACHABLE.test(code) || (code === "" && SILENT.test(messageOf(error)));
}

/** The same statement may succeed a moment later. */
export function isTransient(error: unknown): boolean {
  return isUnreachable(error) || REPEATABLE.test(codeOf(error));
}

/** What went wrong, in words; `why` is what the server or the connection has said. */
export function explained(error: unknown, why: string): string {
  if (isUnreachable(error)) return `PostgreSQL cannot be reached: ${why}`;
  if (!UNTRUSTED.test(codeOf(error))) return `PostgreSQL refused: ${why}`;
  const remedy = "name its CA (sslrootcert in the URL, or the option ssl), and its host as the certificate does";
  return `the certificate of PostgreSQL cannot be trusted: ${why}; ${remedy}`;
}

/** The data is at fault: the same rows will fail again. */
export function isAboutData(error: unknown): boolean {
  return /^(22|23|54)/.test(codeOf(error));
}

/** The same error with nothing in it that could hold a password: details quote rows, and texts may quote the URL. */
export function withoutSecrets(error: unknown, url: string): Error {
  const parsed = URL.parse(url);
  const password = parsed?.password ?? "";
  let message = messageOf(error) || codeOf(error) || "no reason given";
  for (const secret of [url, password, decoded(password)]) {
    if (secret !== "") message = message.replaceAll(secret, "***");
  }
  return Object.assign(new Error(message), { code: codeOf(error) });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const first = (error as { errors?: readonly unknown[] }).errors?.[0];
  return error.message === "" && first !== undefined ? messageOf(first) : error.message;
}
