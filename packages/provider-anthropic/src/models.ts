import type { Attempt, ListedModel } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Endpoint } from "./endpoint.ts";
import { apiError, parseReply } from "./errors.ts";
import { ANTHROPIC } from "./names.ts";
import { modelPage } from "./schemas.ts";

/** The most that one page may hold. */
const PAGE_SIZE = 1000;

/** An upstream that always says there is more must not keep us for ever. */
const MAX_PAGES = 20;

/** `GET /v1/models`, all pages. */
export async function listModels(
  attempt: Pick<Attempt, "transport" | "signal">,
  endpoint: Endpoint,
): Promise<readonly ListedModel[]> {
  const models: ListedModel[] = [];
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = after === undefined ? "" : `&after_id=${encodeURIComponent(after)}`;
    const response = await attempt.transport.send({
      method: "GET",
      origin: endpoint.origin,
      path: `${endpoint.basePath}/v1/models?limit=${PAGE_SIZE}${query}`,
      headers: endpoint.defaultHeaders,
      signal: attempt.signal,
    });
    if (response.status >= 300) throw apiError(response.status, response.headers, response.body);
    const checked = modelPage.safeParse(parseReply(response.body));
    if (!checked.success) {
      throw new GatewayError("provider_error", "the upstream's reply is not a list of models", {
        source: ANTHROPIC,
        cause: checked.error,
      });
    }
    const { data, has_more: hasMore, last_id: lastId } = checked.data;
    for (const { id, display_name: displayName, created_at: createdAt } of data) {
      const created = createdAt ? Date.parse(createdAt) : Number.NaN;
      models.push({
        id,
        ownedBy: ANTHROPIC,
        ...(displayName && { displayName }),
        ...(Number.isFinite(created) && { createdAt: Math.floor(created / 1000) }),
      });
    }
    if (hasMore !== true || !lastId) break;
    after = lastId;
  }
  return models;
}
