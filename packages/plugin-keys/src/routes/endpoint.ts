import { z } from "zod";
import type { DialectRequest, HttpReply, ResourceContext, ResourceRoute } from "@signalbox/kernel";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import type { Actor } from "./actor.ts";
import { actorOf } from "./actor.ts";
import { Answer } from "./answer.ts";
import type { Management } from "./management.ts";

/** What an endpoint is given: all of it checked. */
export interface EndpointInput<Body, Query> {
  readonly body: Body;
  readonly query: Query;
  readonly params: Readonly<Record<string, string>>;
  readonly actor: Actor;
  readonly management: Management;
}

/** One path and method, with what it takes. */
export interface Endpoint {
  readonly method: ResourceRoute["method"];
  readonly path: string;
  readonly summary: string;
  readonly body: z.ZodType | undefined;
  readonly query: z.ZodObject | undefined;
  handle(request: DialectRequest, context: ResourceContext, management: Management): Promise<HttpReply>;
}

/** Makes an endpoint whose input is checked: what it does not know is refused, not dropped. */
export function endpoint<Body = undefined, Query = Record<string, never>>(definition: {
  readonly method: ResourceRoute["method"];
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType<Body>;
  readonly query?: z.ZodType<Query>;
  run(input: EndpointInput<Body, Query>): unknown;
}): Endpoint {
  const { method, path, summary, body, query } = definition;
  return {
    method,
    path,
    summary,
    body,
    query: query as z.ZodObject | undefined,
    async handle(request, { principal }, management) {
      const actor = actorOf(principal, request.headers, management);
      const answer = await definition.run({
        body: readBody(body, request) as Body,
        query: readQuery(query, request.query) as Query,
        params: request.params,
        actor,
        management,
      });
      return json(answer);
    },
  };
}

function json(answer: unknown): HttpReply {
  const plain = { "content-type": "application/json", "cache-control": "no-store" };
  if (!(answer instanceof Answer)) return { status: 200, headers: plain, body: JSON.stringify(answer) };
  return { status: 200, headers: { ...plain, ...answer.headers }, body: JSON.stringify(answer.value) };
}

function readBody(schema: z.ZodType | undefined, { body }: DialectRequest): unknown {
  if (schema === undefined) {
    if (body === undefined || isEmpty(body.value)) return undefined;
    throw new GatewayError("invalid_request", "this route takes no body");
  }
  return checked(schema, body?.value ?? {});
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function readQuery(schema: z.ZodType | undefined, query: URLSearchParams): unknown {
  const values: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of query) {
    if (name in values) throw new GatewayError("invalid_request", "a query field may be given once", { param: name });
    values[name] = value;
  }
  return checked(schema ?? NOTHING, { ...values });
}

const NOTHING: z.ZodType = z.strictObject({});

/** @throws {GatewayError} `unknown_field`, `invalid_request`, naming the field and never its value */
function checked(schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const name = issue.keys[0] as string;
    const param = [...path, name].join(".");
    const known = path.length === 0 && schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    throw new GatewayError("unknown_field", `there is no field ${JSON.stringify(param)}.${didYouMean(name, known)}`, {
      param,
    });
  }
  const param = path.join(".");
  const message = param === "" ? issue.message : `${JSON.stringify(param)}: ${issue.message}`;
  throw new GatewayError("invalid_request", message, { ...(param !== "" && { param }) });
}
