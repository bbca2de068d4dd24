import { z } from "zod";
import type { ListedModel, Provider } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";

const schema = z.object({ models: z.array(z.object({ name: z.string(), modified_at: z.string().nullish() })) });

type Listing = Parameters<NonNullable<Provider["listModels"]>>[0];

/**
 * Models of an Ollama server by its own listing, `GET /api/tags` (https://docs.ollama.com/api/tags).
 * @throws {GatewayError} `provider_error`
 */
export async function listTags(
  baseUrl: string,
  { transport, signal }: Listing,
  source: string,
): Promise<readonly ListedModel[]> {
  const { origin } = new URL(baseUrl);
  const { status, body } = await transport.send({ method: "GET", origin, path: "/api/tags", headers: [], signal });
  const read = status === 200 ? schema.safeParse(parse(body)) : undefined;
  if (read?.success !== true) {
    throw new GatewayError(
      "provider_error",
      `${origin}/api/tags answered with status ${status}, not with a list of models`,
      {
        source,
        upstreamStatus: status,
      },
    );
  }
  return read.data.models.map(({ name, modified_at: modifiedAt }) => {
    const modified = Math.trunc(Date.parse(modifiedAt ?? "") / 1000);
    return { id: name, ownedBy: "library", ...(!Number.isNaN(modified) && { createdAt: modified }) };
  });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    // Answered as something that is no listing, like any other wrong shape.
    return undefined;
  }
}
