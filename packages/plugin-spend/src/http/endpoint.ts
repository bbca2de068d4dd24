import { z } from "zod";
import type { DialectRequest, HttpReply, ResourceRoute } from "@signalbox/kernel";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import type { Sources } from "../sources.ts";
import { Viewer } from "../viewer.ts";
import { csvOf, jsonOf, Table } from "./table.ts";

/** What an endpoint is given: all of it checked. */
export interface EndpointInput<Body, Query> {
  readonly body: Body;
  readonly query: Query;
  readonly params: Readonly<Record<string, string>>;
  readonly viewer: Viewer;
  readonly sources: Sources;
}

/** Makes the route of one endpoint, once it is known where its sources come from. */
export type Endpoint = (sources: () => Sources | undefined) => ResourceRoute;

const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" } as const;

/** Makes an endpoint whose input is checked: what it does not know is refused, not dropped. */
export function endpoint<Body = undefined, Query = Record<string, never>>(definition: {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType<Body>;
  readonly query?: z.ZodType<Query>;
  run(input: EndpointInput<Body, Query>): unknown;
}): Endpoint {
  const { method, path, summary, body, query = NOTHING } = definition;
  return (sources) => ({
    kind: "resource",
    method,
    path,
    access: "caller",
    get description() {
      return {
        summary,
        ...(body !== undefined && { body: schemaOf(body) }),
        query: schemaOf(query),
      };
    },
    async handle(request, { principal }) {
      const ready = sources();
      if (ready === undefined) throw new GatewayError("ledger_unavailable", "the gateway is still starting");
      const answer = await definition.run({
        body: readBody(body, request) as Body,
        query: readQuery(query, request.query) as Query,
        params: request.params,
        viewer: new Viewer(principal, ready),
        sources: ready,
      });
      return replyOf(answer, request, path);
    },
  });
}

function replyOf(answer: unknown, request: DialectRequest, path: string): HttpReply {
  const csv = wantsCsv(request);
  if (!(answer instanceof Table)) {
    if (csv && request.query.has("format")) {
      throw new GatewayError("invalid_request", 'this answer is no table: "format" can only be json', {
        param: "format",
      });
    }
    return jsonReply(JSON.stringify(answer));
  }
  if (!csv && answer.json !== undefined) return jsonReply(JSON.stringify(answer.json));
  const name = path.replaceAll(/[^a-z]+/g, "-").replaceAll(/^-|-$/g, "");
  return {
    status: 200,
    headers: csv
      ? {
          ...HEADERS,
          "content-type": "text/csv; charset=utf-8",
          "content-disposition": `attachment; filename="${name}.csv"`,
        }
      : { ...HEADERS, "content-type": "application/json" },
    body: "",
    rest: csv ? csvOf(answer) : jsonOf(answer),
  };
}

function jsonReply(body: string): HttpReply {
  return { status: 200, headers: { ...HEADERS, "content-type": "application/json" }, body };
}

function wantsCsv({ query, headers }: DialectRequest): boolean {
  const format = query.get("format");
  if (format !== null) return format === "csv";
  return /^\s*text\/csv\b/i.test(headers.accept ?? "");
}

function readBody(schema: z.ZodType | undefined, { body }: DialectRequest): unknown {
  return schema === undefined ? checked(NOTHING, body?.value ?? {}) : checked(schema, body?.value ?? {});
}

function readQuery(schema: z.ZodType, query: URLSearchParams): unknown {
  const values = new Map<string, string>();
  for (const [name, value] of query) {
    if (values.has(name)) throw new GatewayError("invalid_request", "a query field may be given once", { param: name });
    values.set(name, value);
  }
  return checked(schema, Object.fromEntries(values));
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

function schemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return plain;
}
