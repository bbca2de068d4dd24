import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { findBinary, freePort, supervise } from "../services/service.ts";
import { NOTHING, opened } from "./opened.ts";
import { OwnRedis } from "./own-redis.ts";
import { soon } from "./soon.ts";

const SECRET = "behind-sentinels";
const ended: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

it("finds the primary that sentinels know, with the password of its own", async () => {
  const own = await OwnRedis.start("--requirepass", SECRET);
  ended.push(() => own.stop());
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "signalbox-sentinel-"));
  const settings = join(folder, "sentinel.conf");
  const lines = ["bind 127.0.0.1", `port ${port}`, `sentinel monitor main 127.0.0.1 ${own.port} 1`];
  writeFileSync(settings, [...lines, `sentinel auth-pass main ${SECRET}`, ""].join("\n"));
  const sentinel = supervise(folder, [findBinary("redis-server", "valkey-server") as string, settings, "--sentinel"]);
  ended.push(() => sentinel.stop());

  const options = {
    sentinel: { name: "main", nodes: [{ host: "127.0.0.1", port }] },
    password: SECRET,
    timeoutMs: 1_000,
  };
  await soon("the sentinel", async () => {
    const plugin = await opened(options);
    ended.push(() => plugin.close?.());
    await plugin.reservationStore.recover(NOTHING);
    return (await plugin.check?.())?.ok;
  });
  expect(await own.command("EXISTS", "{signalbox:budgets}:generation")).toBe(1);
});
