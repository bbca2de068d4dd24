import { z } from "zod";
import { didYouMean, GatewayError, Secret } from "@signalbox/kernel";

const text = z.string().min(1);
const secret = z.union([text, z.instanceof(Secret)]);
const port = z.int().min(1).max(65_535);
const nodes = z.array(z.strictObject({ host: text, port: port.exactOptional() })).min(1);

const LONGEST_MS = 60_000;
const HOUR_MS = 3_600_000;
const YEAR_MS = 366 * 24 * HOUR_MS;

const schema = z.strictObject({
  url: secret.exactOptional(),
  host: text.exactOptional(),
  port: port.exactOptional(),
  username: text.exactOptional(),
  password: secret.exactOptional(),
  db: z.int().min(0).max(1_000_000).exactOptional(),
  cluster: nodes.exactOptional(),
  sentinel: z
    .strictObject({ name: text, nodes, username: text.exactOptional(), password: secret.exactOptional() })
    .exactOptional(),
  tls: z.union([z.boolean(), z.record(z.string(), z.unknown())]).exactOptional(),
  // A brace would move the hash tag, and with it the keys of one call to several slots.
  namespace: z
    .string()
    .regex(/^[^{}\s]{1,100}$/, "a name without spaces and braces")
    .exactOptional(),
  timeoutMs: z.number().min(1).max(LONGEST_MS).exactOptional(),
  connectTimeoutMs: z.number().min(1).max(LONGEST_MS).exactOptional(),
  onUnreachable: z.enum(["fail", "wait"]).exactOptional(),
  settledForMs: z.int().min(HOUR_MS).max(YEAR_MS).exactOptional(),
  rebuildAfterMs: z.int().min(0).max(HOUR_MS).exactOptional(),
});

/** What excludes what: each group names one place. */
const PLACES = [["url"], ["host", "port"], ["cluster"], ["sentinel"]] as const;
const IN_URL = ["username", "password", "db"] as const;

/** @throws {GatewayError} `option_invalid` naming the option, and never its value */
export function checkOptions(options: unknown): void {
  const checked = schema.safeParse(options);
  if (!checked.success) throw firstIssue(checked.error.issues[0] as z.core.$ZodIssue);
  const given = checked.data;
  const places = PLACES.filter((names) => names.some((name) => given[name] !== undefined)).map(([name]) => name);
  if (places.length > 1) {
    throw invalid(`"${places[0]}" and "${places[1]}" both say where Redis is: leave one out`, [places[1] as string]);
  }
  if (given.url !== undefined) {
    const twice = IN_URL.find((name) => given[name] !== undefined);
    if (twice !== undefined) throw invalid(`"${twice}" belongs into "url"`, [twice]);
    checkUrl(given.url);
  }
  if (given.cluster !== undefined && (given.db ?? 0) !== 0) throw invalid('a cluster has no "db" but 0', ["db"]);
}

function checkUrl(url: string | Secret): void {
  let parsed: URL;
  try {
    parsed = new URL(typeof url === "string" ? url : url.reveal());
  } catch {
    throw invalid('"url" is not a URL: redis://[user:password@]host[:port][/db]', ["url"]);
  }
  if (parsed.protocol !== "redis:" && parsed.protocol !== "rediss:") {
    throw invalid('"url" must begin with redis: or rediss:', ["url"]);
  }
  if (!/^\/?\d*$/.test(parsed.pathname)) throw invalid('the path of "url" is the number of a database', ["url"]);
  if (parsed.search !== "") throw invalid('"url" has a query: use the options of their own', ["url"]);
}

function firstIssue(issue: z.core.$ZodIssue): GatewayError {
  const path = issue.path.map(String);
  if (issue.code !== "unrecognized_keys") return invalid(`"${path.join(".")}": ${issue.message}`, path);
  const name = issue.keys[0] as string;
  const known = path.length === 0 ? didYouMean(name, Object.keys(schema.shape)) : "";
  return invalid(`there is no option ${JSON.stringify([...path, name].join("."))}.${known}`, [...path, name]);
}

function invalid(message: string, path: readonly string[]): GatewayError {
  return new GatewayError("option_invalid", `redis: ${message}`, { param: path.join("."), source: "redis" });
}
