import { Redis } from "ioredis";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { createDatabase, databaseUrl, redisUrl } from "./index.ts";

describe("the services that tests share", () => {
  test("PostgreSQL answers a query", async () => {
    const client = new pg.Client({ connectionString: await databaseUrl() });
    await client.connect();
    try {
      const { rows } = await client.query("SELECT 1 AS one");
      expect(rows).toEqual([{ one: 1 }]);
    } finally {
      await client.end();
    }
  });

  test("a test can have an empty database of its own", async () => {
    const database = await createDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query("CREATE TABLE call (id int)");
      const { rows } = await client.query("SELECT count(*)::int AS calls FROM call");
      expect(rows).toEqual([{ calls: 0 }]);
    } finally {
      await client.end();
      await database.drop();
    }
  });

  test("Redis answers and remembers", async () => {
    const redis = new Redis(await redisUrl());
    try {
      expect(await redis.ping()).toBe("PONG");
      await redis.set("services.test:colour", "green", "EX", 60);
      expect(await redis.get("services.test:colour")).toBe("green");
    } finally {
      redis.disconnect();
    }
  });
});
