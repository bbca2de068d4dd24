import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Database } from "../src/database.ts";

/** A message of the server: its kind, its length, what it says. */
function message(kind: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(kind), length, body]);
}

const signedIn = message("R", Buffer.alloc(4));
const ready = message("Z", Buffer.from("I"));
const shutDown = message(
  "E",
  Buffer.from("SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"),
);

const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);

afterEach(() => {
  process.off("uncaughtExceptionMonitor", note);
  uncaught.length = 0;
});

describe("a server that ends a connection", () => {
  it("in the moment in which it becomes ready: the query fails, and nothing else does", async () => {
    process.on("uncaughtExceptionMonitor", note);
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(Buffer.concat([signedIn, ready, shutDown])));
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const database = new Database({ url: `postgres://u:p@127.0.0.1:${port}/d`, pool: 1 });
    for (let time = 0; time < 3; time++) {
      await expect(database.query("SELECT 1")).rejects.toMatchObject({ code: "ledger_unavailable" });
    }
    expect(uncaught).toEqual([]);
    await database.close();
    await new Promise((resolve) => server.close(resolve));
  });
});
