import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

/** The URL of a real PostgreSQL, started on first use and shared by the whole run. */
export function databaseUrl(): Promise<string> {
  return serviceUrl("postgres");
}

/** The URL of a real Redis, started on first use and shared by the whole run: give your keys a prefix of their own. */
export function redisUrl(): Promise<string> {
  return serviceUrl("redis");
}

/** An empty database of one's own, for tests that create tables. */
export interface OwnDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

export async function createDatabase(): Promise<OwnDatabase> {
  const shared = await databaseUrl();
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await execute(shared, `CREATE DATABASE ${name}`);
  const url = new URL(shared);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => execute(shared, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function serviceUrl(name: string): Promise<string> {
  const response = await fetch(`${inject("services")}/${name}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
