import { BUILT_IN_REPLIES } from "../behaviour.ts";
import type { MockSettings } from "../options.ts";
import { ANTHROPIC_MESSAGES } from "./anthropic-reply.ts";
import { wireError } from "./errors.ts";
import { OPENAI_CHAT } from "./openai-reply.ts";
import type { WireReply } from "./wire-reply.ts";
import { errorReply, jsonReply } from "./wire-reply.ts";

/** `GET /v1/models` and `GET /v1/models/<id>` in the dialect that the client's headers show. */
export function modelsReply(id: string | undefined, anthropic: boolean, settings: MockSettings): WireReply {
  const names = [...BUILT_IN_REPLIES, ...settings.scriptNames];
  const describe = anthropic ? anthropicModel : openaiModel;
  if (id !== undefined) {
    if (names.includes(id)) return jsonReply(200, JSON.stringify(describe(id, settings)));
    const error = wireError(404, `the model ${JSON.stringify(id)} does not exist`, "model");
    return errorReply(error, anthropic ? ANTHROPIC_MESSAGES : OPENAI_CHAT, {});
  }
  const data = names.map((name) => describe(name, settings));
  const list = anthropic
    ? { data, has_more: false, first_id: names[0], last_id: names.at(-1) }
    : { object: "list", data };
  return jsonReply(200, JSON.stringify(list));
}

function openaiModel(id: string, { createdAt }: MockSettings): object {
  return { id, object: "model", created: createdAt, owned_by: "mock" };
}

function anthropicModel(id: string, { createdAt }: MockSettings): object {
  return { type: "model", id, display_name: id, created_at: new Date(createdAt * 1000).toISOString() };
}
