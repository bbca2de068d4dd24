import type { Dialect, DialectRequest, HttpReply, ResourceContext, ResourceRoute } from "@signalbox/kernel";
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

type Handle = (request: DialectRequest, context: ResourceContext) => HttpReply;

function route(path: string, handle: Handle): ResourceRoute {
  return { kind: "resource", method: "GET", path, access: "caller", handle };
}

/** Models have no birthday here; clients want a number. */
const CREATED = 0;

function modelObject(model: { readonly name: string; readonly provider: string }): object {
  return { id: model.name, object: "model", created: CREATED, owned_by: model.provider };
}

function list(_request: DialectRequest, context: ResourceContext): HttpReply {
  return jsonReply(JSON.stringify({ object: "list", data: context.models().map(modelObject) }));
}

function retrieve(request: DialectRequest, context: ResourceContext): HttpReply {
  const { provider, model = "" } = request.params;
  const name = provider === undefined ? model : `${provider}/${model}`;
  const found = context.models().find((each) => each.name === name);
  if (found === undefined) {
    throw new GatewayError("model_not_found", `the model ${JSON.stringify(name)} does not exist`, { param: "model" });
  }
  return jsonReply(JSON.stringify(modelObject(found)));
}
