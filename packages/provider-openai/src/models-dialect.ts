import type {
  CatalogModel,
  Dialect,
  DialectRequest,
  HttpReply,
  ResourceContext,
  ResourceRoute,
} from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { jsonReply } from "./dialect-request.ts";
import { encodeOpenaiError } from "./error-encode.ts";

const PATHS: readonly string[] = ["/v1/models", "/models", "/openai/v1/models"];

/** OpenAI Models: what this caller may use. The default answer of `GET /v1/models`; other dialects ask for theirs. */
export function modelsDialect(): Dialect {
  return {
    name: "openai-models",
    // Names may hold slashes, which clients leave unescaped: the rest of the path is the name.
    routes: PATHS.flatMap((path) => [
      route(path, list),
      route(`${path}/:model`, retrieve),
      route(`${path}/:provider/:model`, retrieve),
    ]),
    encodeError: encodeOpenaiError,
  };
}

type Handle = (request: DialectRequest, context: ResourceContext) => Promise<HttpReply>;

function route(path: string, handle: Handle): ResourceRoute {
  return { kind: "resource", method: "GET", path, access: "caller", handle };
}

/** Clients want a number, also where a model has no birthday. */
const UNKNOWN_DATE = 0;

function modelObject({ name, provider, createdAt }: CatalogModel): object {
  return { id: name, object: "model", created: createdAt ?? UNKNOWN_DATE, owned_by: provider };
}

async function list(_request: DialectRequest, context: ResourceContext): Promise<HttpReply> {
  const models = await context.models();
  return jsonReply(JSON.stringify({ object: "list", data: models.map(modelObject) }));
}

async function retrieve(request: DialectRequest, context: ResourceContext): Promise<HttpReply> {
  const { provider, model = "" } = request.params;
  const name = provider === undefined ? model : `${provider}/${model}`;
  const found = (await context.models()).find((each) => each.name === name);
  if (found === undefined) {
    throw new GatewayError("model_not_found", `the model ${JSON.stringify(name)} does not exist`, { param: "model" });
  }
  return jsonReply(JSON.stringify(modelObject(found)));
}
