import type { HttpReply, ResourceRoute } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Connection } from "@signalbox/plugin-redis/connection";
import { RedisFailure } from "@signalbox/plugin-redis/connection";

const INFO_MS = 2_000;

/** `GET /cache/redis/info`: what Redis says of itself, by sections. */
export function infoRoute(connection: Connection): ResourceRoute {
  return {
    kind: "resource",
    method: "GET",
    path: "/cache/redis/info",
    access: "admin",
    description: { summary: "What the Redis of the cache says of itself" },
    async handle(): Promise<HttpReply> {
      try {
        const text = await connection.background(INFO_MS, (client) => client.info());
        return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(sections(text)) };
      } catch (error) {
        if (!(error instanceof RedisFailure)) throw error;
        throw new GatewayError("overloaded", error.message, {
          source: "cache-redis",
          retryAfterMs: 1_000,
          cause: error,
        });
      }
    },
  };
}

/** `# Memory` and the lines below it: `used_memory:1024`. */
function sections(text: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const found: Record<string, Record<string, string>> = {};
  let section: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [name = "", ...value] = line.split(":");
    if (line.startsWith("# ")) {
      section = {};
      found[line.slice(2).toLowerCase()] = section;
    } else if (value.length > 0) section[name] = value.join(":");
  }
  return found;
}
