import { z } from "zod";
import type { ResourceRoute, RouteDescription } from "@signalbox/kernel";
import type { Endpoint } from "./endpoint.ts";

type DescribedRoute = Pick<ResourceRoute, "method" | "path"> & RouteDescription;

/** The OpenAPI 3.1 document of these endpoints, from the schemas that check their input. */
function openApiDocument(routes: readonly DescribedRoute[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, summary, body, query } of routes) {
    const shown = path.replaceAll(/:(\w+)/g, "{$1}");
    const operations = paths[shown] ?? {};
    paths[shown] = operations;
    const parameters = [
      ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
        name,
        in: "path",
        required: true,
        schema: { type: "string" },
      })),
      ...queryParameters(query),
    ];
    operations[method.toLowerCase()] = {
      summary,
      operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
      tags: [path.split("/")[1]],
      ...(parameters.length > 0 && { parameters }),
      ...(body !== undefined && {
        requestBody: { required: true, content: { "application/json": { schema: body } } },
      }),
      responses: {
        "200": { description: "Done.", content: { "application/json": { schema: {} } } },
        default: {
          description: "Refused, or failed.",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
        },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Signalbox management API", version: "1" },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: { Error: ERROR },
    },
  };
}

/** Serves the document. It tells nothing that is secret, but only to whoever has a key. */
export function openApiRoute(endpoints: readonly Endpoint[]): ResourceRoute {
  let document: string | undefined;
  return {
    kind: "resource",
    method: "GET",
    path: "/openapi.json",
    access: "caller",
    handle(_request, { routes }) {
      document ??= JSON.stringify(
        openApiDocument([...endpoints.map(describedEndpoint), ...ofOthers(routes?.() ?? [])]),
      );
      return { status: 200, headers: { "content-type": "application/json" }, body: document };
    },
  };
}

const ERROR = {
  type: "object",
  properties: {
    error: {
      type: "object",
      properties: {
        message: { type: "string" },
        type: { type: "string" },
        param: { type: ["string", "null"] },
        code: { type: "string" },
        details: { type: "object" },
      },
      required: ["message", "type", "param", "code"],
    },
  },
  required: ["error"],
} as const;

function describedEndpoint({ method, path, summary, body, query }: Endpoint): DescribedRoute {
  return {
    method,
    path,
    summary,
    ...(body !== undefined && { body: schemaOf(body) }),
    ...(query !== undefined && { query: schemaOf(query) }),
  };
}

/** What other plugins serve, and describe. */
function ofOthers(routes: readonly ResourceRoute[]): readonly DescribedRoute[] {
  return routes.flatMap(({ method, path, description }) =>
    description === undefined ? [] : [{ method, path, ...description }],
  );
}

function schemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return plain;
}

function queryParameters(query: RouteDescription["query"]): readonly unknown[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = query as {
    readonly properties?: Readonly<Record<string, unknown>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}
