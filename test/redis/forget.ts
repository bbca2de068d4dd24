import { Redis } from "ioredis";
import { redisUrl } from "../services/index.ts";

/** Deletes every key of a namespace from the shared Redis: as if its data had been lost. */
export async function forget(namespace: string): Promise<void> {
  const client = new Redis(await redisUrl());
  try {
    const keys = await client.keys(`{${namespace}:*`);
    if (keys.length > 0) await client.del(...keys);
  } finally {
    client.disconnect();
  }
}
