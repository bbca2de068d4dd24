import type { ListedModel, Provider } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { replyOfBody } from "./chunks.ts";
import { upstreamFailure } from "./errors.ts";
import { numberIn, textIn, tryParse } from "./json.ts";
import type { WireConfig } from "./wire.ts";
import { isSuccess } from "./wire.ts";

/** The host's models over `GET /models`; some hosts answer with a bare list. */
export function listModelsOperation(config: WireConfig): NonNullable<Provider["listModels"]> {
  const { profile } = config;
  return async function listModels({ deployment, transport, signal }) {
    const { origin, path, headers } = await config.endpoint(
      { deployment, upstreamModel: deployment.upstreamModel },
      "models",
    );
    const response = await transport.send({ method: "GET", origin, path, headers, signal });
    if (!isSuccess(response.status)) throw upstreamFailure(profile, response);
    const bare = tryParse(response.body.toString());
    const data = Array.isArray(bare)
      ? (bare as readonly unknown[])
      : (replyOfBody(response.body, "data", profile, response.headers)["data"] as readonly unknown[]);
    return data
      .filter(isJsonObject)
      .map(listedModel)
      .filter(({ id }) => id !== "");
  };
}

function listedModel(row: JsonObject): ListedModel {
  const createdAt = numberIn(row["created"]);
  const ownedBy = textIn(row["owned_by"]);
  const displayName = textIn(row["display_name"]) ?? textIn(row["name"]);
  return {
    id: textIn(row["id"]) ?? textIn(row["name"]) ?? "",
    ...(createdAt !== undefined && { createdAt }),
    ...(ownedBy !== undefined && { ownedBy }),
    ...(displayName !== undefined && { displayName }),
  };
}
