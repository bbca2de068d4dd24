/** What a failure of Redis is called, where its own text may hold an address or a credential. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ENOTFOUND: "the host's name is unknown",
  EAI_AGAIN: "the host's name could not be looked up",
  ETIMEDOUT: "it does not answer",
  EHOSTUNREACH: "the host cannot be reached",
  WRONGPASS: "the username or password is wrong",
  NOAUTH: "it wants a password",
  NOPERM: "the user may not run this command",
  LOADING: "it is loading its data",
  READONLY: "it is a replica and takes no writes",
  MASTERDOWN: "its primary is away",
  CLUSTERDOWN: "the cluster is down",
  OOM: "it is out of memory",
  MISCONF: "it cannot save its data",
  BUSY: "it is busy with a script",
};

/** Whether waiting does not help: what is configured is wrong. */
export function isRefusal(thrown: unknown): boolean {
  return thrown instanceof Error && /^(WRONGPASS|NOAUTH|NOPERM)\b/.test(thrown.message);
}

/** Why Redis failed, without addresses, keys and credentials. */
export function describeFailure(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "it failed";
  const { code } = thrown as NodeJS.ErrnoException;
  const name = code ?? /^[A-Z]+(?=\s)/.exec(thrown.message)?.[0] ?? "";
  const words = WORDS[name];
  if (words !== undefined) return words;
  if (/timed? ?out/i.test(thrown.message)) return "it does not answer";
  if (/closed|writeable|max retries/i.test(thrown.message)) return "there is no connection";
  if (/certificate|self-signed|TLS|SSL/i.test(`${name} ${thrown.message}`)) return "no secure connection could be made";
  return name === "" || name === "ERR" ? "it answered with an error" : `it answered ${name}`;
}
