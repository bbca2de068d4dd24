import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ChildProgram } from "../child-program.ts";
import type { DelayingProxy } from "./delaying-proxy.ts";
import { median } from "./measure.ts";
import { chatBody, openaiReply } from "./wire.ts";

/** Redis may take 50 ms before it counts as gone. */
const DELAY_MS = 30;
const CALLS = 9;

/** How often a call waits for Redis, before its upstream is called and after it has answered. */
export async function roundTrips(
  proxy: DelayingProxy,
  start: (upstream: string) => Promise<{ readonly program: ChildProgram; readonly key: string }>,
): Promise<{ readonly before: number; readonly after: number }> {
  let askedAt = 0;
  let answeredAt = 0;
  const upstream = createServer((request, response) => {
    askedAt = performance.now();
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(openaiReply());
      answeredAt = performance.now();
    });
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { program, key } = await start(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
  const waits: { before: number; after: number }[] = [];
  try {
    for (let call = 0; call < CALLS; call++) {
      // the first ones load scripts and open connections
      proxy.delayMs = call < 3 ? 0 : DELAY_MS;
      const sentAt = performance.now();
      const response = await fetch(`http://127.0.0.1:${program.ready.port}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: chatBody({ model: "bench", stream: false, paced: false }),
      });
      if (!response.ok) throw new Error(`a call failed: ${await response.text()}`);
      await response.arrayBuffer();
      const endedAt = performance.now();
      if (call >= 3) waits.push({ before: askedAt - sentAt, after: endedAt - answeredAt });
    }
  } finally {
    proxy.delayMs = 0;
    await program.stop();
    upstream.close();
    upstream.closeAllConnections();
  }
  const trips = (times: readonly number[]): number => Math.floor(median(times) / DELAY_MS);
  return { before: trips(waits.map(({ before }) => before)), after: trips(waits.map(({ after }) => after)) };
}
