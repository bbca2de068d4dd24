import type {
  Decoded,
  DialectRequest,
  Explanation,
  HttpReply,
  OperationName,
  ResourceContext,
  ResourceRoute,
} from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { callInput } from "./open-call.ts";
import { selectRoute } from "./route-table.ts";
import type { Surface } from "./surface.ts";

const DEFAULT_EXPLAINED = "/v1/chat/completions";

/** Routes that every surface has. */
export function managementRoutes(surface: Surface): readonly ResourceRoute[] {
  return [
    {
      kind: "resource",
      method: "POST",
      path: "/v1/explain",
      access: "caller",
      handle: (request, context) => explain(surface, request, context),
    },
  ];
}

/** Whether the process runs, and whether it should be sent requests. */
export function healthRoutes(surface: Surface): readonly ResourceRoute[] {
  const live = (path: string): ResourceRoute => ({
    kind: "resource",
    method: "GET",
    path,
    access: "public",
    handle: () => json(200, { status: "ok" }),
  });
  return [
    live("/health/liveliness"),
    live("/health/liveness"),
    {
      kind: "resource",
      method: "GET",
      path: "/health/readiness",
      access: "public",
      handle: () => readiness(surface),
    },
  ];
}

async function readiness(surface: Surface): Promise<HttpReply> {
  if (surface.draining || surface.gateway.draining) return json(503, { status: "draining", components: [] });
  const { ok, components } = await surface.gateway.health();
  return json(ok ? 200 : 503, { status: ok ? "ok" : "unavailable", components });
}

/** The body is a request as it would be sent to `?path=`. */
async function explain(surface: Surface, request: DialectRequest, context: ResourceContext): Promise<HttpReply> {
  const target = request.query.get("path") ?? DEFAULT_EXPLAINED;
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const match = surface.table.find(path);
  const entry = match === undefined ? undefined : selectRoute(match.entry, "POST", request.headers);
  if (match === undefined || entry === undefined || entry.route.kind !== "call") {
    throw new GatewayError("not_found", `no operation is served at POST ${path}`, { param: "path" });
  }
  const { route } = entry;
  const decoded = (await route.decode({
    method: "POST",
    path,
    query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)),
    params: match.params,
    headers: request.headers,
    body: request.body,
    form: request.form,
  })) as Decoded<OperationName>;
  const input = callInput<OperationName>(route.operation, decoded, decoded.options, context.principal);
  const explanation: Explanation = await surface.gateway.explain(input);
  return json(200, explanation);
}

function json(status: number, value: unknown): HttpReply {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
