import type { Attempt, EmbedResult, Reply } from "@signalbox/kernel";
import { nativeRequest } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { replyOfBody } from "./chunks.ts";
import { embedBody, readEmbeddings } from "./embed-request.ts";
import { unreadable, upstreamFailure } from "./errors.ts";
import { objectOf, otherMembers, textIn, WIRE } from "./json.ts";
import { otherUsage, readUsage } from "./usage.ts";
import type { WireConfig } from "./wire.ts";
import { isSuccess, wireRequest } from "./wire.ts";

export const EMBEDDINGS_DIALECT = "openai-embeddings";

/** Embeddings over `POST /embeddings`. */
export function embedOperation(config: WireConfig): (attempt: Attempt<"embed">) => Reply<"embed"> {
  const { profile } = config;

  // biome-ignore lint/correctness/useYield: a reply without events is a reply
  return async function* embed(attempt) {
    const native = nativeRequest(attempt, EMBEDDINGS_DIALECT);
    const body =
      native === undefined
        ? JSON.stringify(embedBody(attempt))
        : native.body.edit({ ...native.edits, ...nativeChanges(attempt, native.body.value) });
    const request = await wireRequest(config, attempt, "embed", body, native?.headers);
    const response = await attempt.transport.send(request);
    if (!isSuccess(response.status)) throw upstreamFailure(profile, response);
    const wire = replyOfBody(response.body, "data", profile, response.headers);
    if ((wire["data"] as unknown[]).length !== attempt.request.inputs.length) {
      throw unreadable(profile, "answered with another number of embeddings than there were inputs");
    }
    return embedResult(wire, native === undefined ? undefined : response.body, config);
  };
}

function nativeChanges(attempt: Attempt<"embed">, value: unknown): Record<string, string> {
  const changes: Record<string, string> = {};
  if (objectOf(value)?.["model"] !== attempt.upstreamModel) changes["model"] = JSON.stringify(attempt.upstreamModel);
  const { extraBody } = attempt.deployment;
  for (const name in extraBody) changes[name] = JSON.stringify(extraBody[name]);
  return changes;
}

const KNOWN: ReadonlySet<string> = new Set(["object", "data", "model", "usage"]);

/** Vectors are decoded when they are asked for: in the native lane usually nobody does. */
function embedResult(wire: JsonObject, body: Buffer | undefined, config: WireConfig): EmbedResult {
  let embeddings: EmbedResult["embeddings"] | undefined;
  const others = otherMembers(wire, KNOWN);
  const usage = otherUsage(wire["usage"]);
  const result: EmbedResult = {
    model: textIn(wire["model"]) ?? "",
    get embeddings() {
      embeddings ??= readEmbeddings(wire, config.profile);
      return embeddings;
    },
    usage: readUsage(wire["usage"], config.profile),
    ...((others !== undefined || usage !== undefined) && { extra: { [WIRE]: { ...others, ...(usage && { usage }) } } }),
  };
  if (body === undefined) {
    // Translated: a damaged vector must fail the attempt, not the reader.
    void result.embeddings;
    return result;
  }
  return Object.defineProperty(result, "native", { value: { dialect: EMBEDDINGS_DIALECT, body }, enumerable: false });
}
