import { z } from "zod";

// The kinds of values that keys take. Every message completes the sentence "<key> …".

const expected = (what: string): { readonly error: string } => ({ error: `must be ${what}` });

/** Printable ASCII without spaces: what can stand in an HTTP header. */
const SENDABLE = /^[\x21-\x7e]+$/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const HOP_BY_HOP: readonly string[] = [
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
const CREDENTIAL_HEADERS: readonly string[] = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"];

export const text: z.ZodType<string> = z.string(expected("text")).min(1, expected("text that is not empty"));

export const flag: z.ZodType<boolean> = z.boolean(expected("true or false, without quotes"));

/** There is no more to say than is said. */
export const notVerbose: z.ZodType<false> = z.literal(false, expected("false: nothing here says more"));

const DAY_SECONDS = 86_400;

export const seconds: z.ZodType<number> = z
  .number(expected("a number of seconds"))
  .gt(0, expected("a number of seconds greater than 0"))
  .lte(DAY_SECONDS, expected(`at most ${DAY_SECONDS} seconds`));

export const megabytes: z.ZodType<number> = z
  .number(expected("a number of megabytes"))
  .gt(0, expected("a number of megabytes greater than 0"))
  .lte(1_024, expected("at most 1024 megabytes"));

export const integer: z.ZodType<number> = z.int(expected("a whole number")).gte(0, expected("0 or more"));

/** A secret that travels in a header. */
export const credential: z.ZodType<string> = text.refine((value) => SENDABLE.test(value), {
  error: "must be a key: printable characters without spaces",
});

export const credentials: z.ZodType<readonly string[]> = z.array(credential, expected("a list of keys"));

/** `https://host/v1`, without trailing slash. */
export const httpUrl: z.ZodType<string> = text.transform((value, context) => {
  const problem = urlProblem(value);
  if (problem === undefined) return value.replace(/\/+$/, "");
  context.issues.push({ code: "custom", message: problem, input: value });
  return z.NEVER;
});

function urlProblem(value: string): string | undefined {
  if (!URL.canParse(value)) return 'must be a whole address, as in "https://api.example.com/v1"';
  const url = new URL(value);
  if (url.protocol !== "https:" && url.protocol !== "http:") return "must begin with https:// or http://";
  if (url.username !== "" || url.password !== "") return "must not hold a user name or password; use api_key";
  if (url.search !== "" || url.hash !== "") return "must end with the path, without ? and #";
  return undefined;
}

export const names: z.ZodType<readonly string[]> = z.array(
  z.string(expected("text")).min(1, expected("text that is not empty")),
  expected("a list of names"),
);

export const modelNames: z.ZodType<readonly string[]> = z
  .array(
    z.string(expected("the name of a model")).min(1, expected("the name of a model")),
    expected('a list of model names, as in ["a", "b"]'),
  )
  .min(1, expected("a list with at least one model name"));

/** One name, or several; always a list in the end. */
export const organization: z.ZodType<readonly string[]> = z
  .union([credential, z.array(credential).min(1)], expected("a name, or a list of names"))
  .transform((value) => (typeof value === "string" ? [value] : value));

/** `[{ "gpt-4o": ["claude-opus"] }]` */
export const fallbackList: z.ZodType<readonly Readonly<Record<string, readonly string[]>>[]> = z.array(
  z.record(z.string(), modelNames, expected('a map, as in {"gpt-4o": ["claude-opus"]}')),
  expected('a list of maps, as in [{"gpt-4o": ["claude-opus"]}]'),
);

export const anyMap: z.ZodType<Readonly<Record<string, unknown>>> = z.record(
  z.string(),
  z.unknown(),
  expected("a map of names and values"),
);

const BODY_MEMBERS: readonly string[] = ["model", "messages", "stream"];

export const bodyMembers: z.ZodType<Readonly<Record<string, unknown>>> = anyMap.check((context) => {
  for (const key of Object.keys(context.value)) {
    if (!BODY_MEMBERS.includes(key)) continue;
    const message = "cannot be set here: it would no longer be what the gateway routes and reads";
    context.issues.push({ code: "custom", message, input: context.value, path: [key] });
  }
});

const problemFree = (problemOf: (value: string) => string | undefined): z.ZodType<string> =>
  z.string(expected("text; put it in quotes")).check((context) => {
    const message = problemOf(context.value);
    if (message !== undefined) context.issues.push({ code: "custom", message, input: "" });
  });

export const headerMap: z.ZodType<Readonly<Record<string, string>>> = z.record(
  problemFree((name) => {
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name)) return "is not a header name";
    if (HOP_BY_HOP.includes(lower)) return "belongs to the connection and cannot be set";
    return CREDENTIAL_HEADERS.includes(lower) ? "carries a credential; use api_key" : undefined;
  }),
  problemFree((value) =>
    HEADER_VALUE.test(value) ? undefined : "must be text without line breaks and control characters",
  ),
  expected("a map of header names and texts"),
);

/** Variables that steer the process itself; a configuration must not. */
const CONTROL_VARIABLES = /^(NODE_|NPM_|LD_|DYLD_|BASH_|(PATH|HOME|SHELL|IFS|ENV|USER|TMPDIR)$)/i;

export const variableMap: z.ZodType<Readonly<Record<string, string>>> = z.record(
  problemFree((name) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) return "is not the name of a variable";
    return CONTROL_VARIABLES.test(name) ? "steers the process itself and cannot be set here" : undefined;
  }),
  problemFree(() => undefined),
  expected("a map of names and texts"),
);
