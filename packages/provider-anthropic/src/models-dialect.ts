import type {
  CatalogModel,
  Dialect,
  DialectRequest,
  HttpReply,
  ResourceContext,
  ResourceRoute,
} from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { invalid } from "./decode-content.ts";
import { encodeError } from "./dialect-errors.ts";

/** The most that one page may hold, and what it holds when the client does not say. */
const MAX_LIMIT = 1000;

/** Anthropic's word for a release date that is not known. */
const UNKNOWN_DATE = "1970-01-01T00:00:00Z";

/** `GET /v1/models` and `GET /v1/models/{id}` for clients that send `anthropic-version`. */
export function modelsDialect(): Dialect {
  const shared = {
    when: (headers: Parameters<NonNullable<ResourceRoute["when"]>>[0]) => "anthropic-version" in headers,
  };
  return {
    name: "anthropic-models",
    routes: [
      { kind: "resource", method: "GET", path: "/v1/models", access: "caller", ...shared, handle: list },
      { kind: "resource", method: "GET", path: "/v1/models/:model+", access: "caller", ...shared, handle: one },
      { kind: "resource", method: "GET", path: "/anthropic/v1/models", access: "caller", handle: list },
      { kind: "resource", method: "GET", path: "/anthropic/v1/models/:model+", access: "caller", handle: one },
    ],
    encodeError,
  };
}

async function list({ query }: DialectRequest, context: ResourceContext): Promise<HttpReply> {
  const models = await context.models();
  const names = models.map(({ name }) => name);
  const limit = limitOf(query.get("limit"));
  const after = query.get("after_id");
  const before = query.get("before_id");
  const from = after === null ? 0 : placeOf(after, "after_id", names) + 1;
  const to = before === null ? names.length : placeOf(before, "before_id", names);
  // towards the front, a page is what stands just before the given model
  const start = before === null ? from : Math.max(from, to - limit);
  const page = names.slice(start, Math.min(to, start + limit));
  return json({
    data: page.map((name) => modelInfo(models.find((model) => model.name === name) as CatalogModel)),
    has_more: before === null ? start + page.length < to : start > from,
    first_id: page[0] ?? null,
    last_id: page.at(-1) ?? null,
  });
}

async function one({ params }: DialectRequest, context: ResourceContext): Promise<HttpReply> {
  const wanted = params.model ?? "";
  const found = (await context.models()).find(({ name }) => name === wanted);
  if (found !== undefined) return json(modelInfo(found));
  throw new GatewayError("model_not_found", `model ${JSON.stringify(wanted)} does not exist`, { param: "model" });
}

function modelInfo({ name, createdAt }: CatalogModel): JsonObject {
  const created = createdAt === undefined ? UNKNOWN_DATE : `${new Date(createdAt * 1_000).toISOString().slice(0, 19)}Z`;
  return { type: "model", id: name, display_name: name, created_at: created };
}

function limitOf(text: string | null): number {
  if (text === null) return MAX_LIMIT;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw invalid("limit", `must be an integer from 1 to ${MAX_LIMIT}`);
}

function placeOf(id: string, param: string, names: readonly string[]): number {
  const place = names.indexOf(id);
  if (place >= 0) return place;
  throw invalid(param, `model ${JSON.stringify(id)} does not exist`);
}

function json(body: JsonObject): HttpReply {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
