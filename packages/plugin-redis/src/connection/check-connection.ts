import { z } from "zod";
import { didYouMean, GatewayError, Secret } from "@signalbox/kernel";
import type { RedisConnectionOptions } from "./connection-options.ts";

const LONGEST_MS = 60_000;

const text = z.string().min(1);
const secret = z.union([text, z.instanceof(Secret)]);
const port = z.int().min(1).max(65_535);
const nodes = z.array(z.strictObject({ host: text, port: port.exactOptional() })).min(1);

/** The options of `RedisConnectionOptions`, to be spread into a plugin's own schema. */
export const CONNECTION_SHAPE: z.ZodRawShape = {
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
  timeoutMs: z.number().min(1).max(LONGEST_MS).exactOptional(),
  connectTimeoutMs: z.number().min(1).max(LONGEST_MS).exactOptional(),
};

/** What excludes what: each group names one place. */
const PLACES = [["url"], ["host", "port"], ["cluster"], ["sentinel"]] as const;
const IN_URL = ["username", "password", "db"] as const;

/**
 * Checks all options of a plugin that talks to Redis.
 *
 * @throws {GatewayError} `option_invalid` naming plugin and option, and never its value
 */
export function checkRedisOptions(plugin: string, schema: z.ZodObject, options: unknown): void {
  const invalid = (message: string, path: readonly string[]): GatewayError =>
    new GatewayError("option_invalid", `${plugin}: ${message}`, { param: path.join("."), source: plugin });
  const checked = schema.safeParse(options);
  if (!checked.success) {
    const issue = checked.error.issues[0] as z.core.$ZodIssue;
    const path = issue.path.map(String);
    if (issue.code !== "unrecognized_keys") throw invalid(`"${path.join(".")}": ${issue.message}`, path);
    const name = issue.keys[0] as string;
    const known = path.length === 0 ? didYouMean(name, Object.keys(schema.shape)) : "";
    throw invalid(`there is no option ${JSON.stringify([...path, name].join("."))}.${known}`, [...path, name]);
  }
  const problem = placeProblem(checked.data as RedisConnectionOptions);
  if (problem !== undefined) throw invalid(problem.message, [problem.option]);
}

interface Problem {
  readonly message: string;
  readonly option: string;
}

function placeProblem(given: RedisConnectionOptions): Problem | undefined {
  const places = PLACES.filter((names) => names.some((name) => given[name] !== undefined)).map(([name]) => name);
  if (places.length > 1) {
    const [one, other] = places as [string, string];
    return { message: `"${one}" and "${other}" both say where Redis is: leave one out`, option: other };
  }
  if (given.url !== undefined) {
    const twice = IN_URL.find((name) => given[name] !== undefined);
    return twice === undefined ? urlProblem(given.url) : { message: `"${twice}" belongs into "url"`, option: twice };
  }
  if (given.cluster === undefined || (given.db ?? 0) === 0) return undefined;
  return { message: 'a cluster has no "db" but 0', option: "db" };
}

function urlProblem(url: string | Secret): Problem | undefined {
  const parsed = URL.parse(typeof url === "string" ? url : url.reveal());
  const problem = (message: string): Problem => ({ message, option: "url" });
  if (parsed === null) return problem('"url" is not a URL: redis://[user:password@]host[:port][/db]');
  if (parsed.protocol !== "redis:" && parsed.protocol !== "rediss:") {
    return problem('"url" must begin with redis: or rediss:');
  }
  if (!/^\/?\d*$/.test(parsed.pathname)) return problem('the path of "url" is the number of a database');
  return parsed.search === "" ? undefined : problem('"url" has a query: use the options of their own');
}
