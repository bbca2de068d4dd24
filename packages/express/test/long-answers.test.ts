import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gateway, ResourceRoute } from "@signalbox/kernel";
import { createGateway, GatewayError } from "@signalbox/kernel";
import { listen } from "../src/node/index.ts";

const PIECE = "x".repeat(64 * 1024);
let gateway: Gateway;
let listener: Awaited<ReturnType<typeof listen>>;
let read = 0;
let ended = 0;

async function* endless(): AsyncGenerator<string> {
  try {
    for (;;) {
      read++;
      yield PIECE;
    }
  } finally {
    ended++;
  }
}

async function* failing(): AsyncGenerator<string> {
  yield "half of it, ";
  await pause(50);
  throw new Error("the store has gone");
}

const never: AsyncIterable<string> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new GatewayError("ledger_unavailable", "gone")) }),
};

async function* whole(): AsyncGenerator<string> {
  yield "";
  yield "b";
  yield "c";
}

const route = (path: string, rest: () => AsyncIterable<string>): ResourceRoute => ({
  kind: "resource",
  method: "GET",
  path,
  access: "public",
  handle: () => ({ status: 200, headers: { "content-type": "text/csv" }, body: "a", rest: rest() }),
});

beforeAll(async () => {
  const routes = [
    route("/never", () => never),
    route("/whole", whole),
    route("/failing", failing),
    route("/endless", endless),
  ];
  gateway = await createGateway({ plugins: [{ name: "long", routes }], deployments: [] });
  listener = await listen(gateway, { port: 0 });
});
afterAll(async () => {
  await listener.close();
  await gateway.close();
});

describe("an answer of any length", () => {
  it("comes in pieces, whole", async () => {
    const response = await fetch(`${listener.url}/whole`);
    expect(response.headers.get("content-length")).toBeNull();
    expect(await response.text()).toBe("abc");
  });

  it("is an error where it cannot begin", async () => {
    const response = await fetch(`${listener.url}/never`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: "ledger_unavailable" } });
  });

  it("is broken off when it fails on its way: nobody takes half of it for the whole", async () => {
    const response = await fetch(`${listener.url}/failing`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    expect((await fetch(`${listener.url}/whole`)).status).toBe(200);
  });

  it("is read no faster than its client takes it, and no longer than it stays", async () => {
    await new Promise<void>((resolve, reject) => {
      const asking = request(`${listener.url}/endless`, (response) => {
        response.pause();
        setTimeout(() => {
          const before = read;
          setTimeout(() => {
            // sockets hold some megabytes, and the reader nothing beyond them
            if (read !== before || read > 1_000) reject(new Error(`${before} pieces, then ${read}`));
            response.destroy();
            resolve();
          }, 200);
        }, 500);
      });
      asking.on("error", reject).end();
    });
    await expect.poll(() => ended).toBe(1);
  });
});
