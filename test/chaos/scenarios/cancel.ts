import { setTimeout as sleep } from "node:timers/promises";
import type { Check } from "../../checks.ts";
import { atLeast, atMost } from "../../checks.ts";
import { GatewayProgram } from "../gateway-program.ts";
import type { Visit } from "../leaving-client.ts";
import { visit } from "../leaving-client.ts";
import type { Scenario } from "../scenario.ts";
import { SlowUpstream } from "../slow-upstream.ts";

const PACE = { waitMs: 40, chunks: 15, gapMs: 8 };
const BATCHES = 16;
/** Per batch; a fifth of them is not streamed. */
const VISITS = 200;
const AT_ONCE = 16;
const SETTLE_MS = 2_000;
/**
 * A call that is kept, with its request, signal and connection, is worth kilobytes. The engine itself still grows a
 * little while it compiles what it has come to know; in the second half hardly.
 */
const MOST_BYTES_PER_CALL = 256;
const MOST_BYTES_PER_LATE_CALL = 100;

/** Clients that leave, and when the upstream noticed. */
interface Tally {
  streams: number;
  whole: number;
  /** Milliseconds from leaving until the upstream saw its connection close. */
  readonly noticedMs: number[];
}

export const scenario: Scenario = {
  about: "clients leave before the first byte, in the middle and at the end, from streams and from plain calls",
  async run() {
    const upstream = new SlowUpstream(PACE);
    const gateway = await GatewayProgram.start(await upstream.listen());
    const tally: Tally = { streams: 0, whole: 0, noticedMs: [] };
    const heaps: number[] = [];
    for (let batch = 0; batch < BATCHES; batch++) {
      await runBatch(gateway, upstream, visits(batch), tally);
      await settled(gateway, upstream);
      const { heapBytes } = await gateway.state();
      heaps.push(heapBytes);
      console.log(`  batch ${batch + 1}: heap ${(heapBytes / 1024).toFixed(0)} KB`);
    }
    const { activeCalls } = await gateway.state();
    const stayed = await visit(gateway.port, gateway.key, { id: "exchange-0", model: "native", stream: true });
    const checks = verdict(tally, heaps, activeCalls, upstream.busyConnections);
    checks.push(atLeast("a stream after all this is whole", stayed.received.includes("[DONE]") ? 1 : 0, 1, ""));
    await gateway.stop();
    upstream.close();
    return checks;
  },
};

/** The same mix in every batch: points of leaving spread over the life of a call, both lanes, both ways to close. */
function visits(batch: number): Visit[] {
  return Array.from({ length: VISITS }, (_, index) => {
    const stream = index % 5 !== 0;
    const common = {
      id: `exchange-${batch * VISITS + index + 1}`,
      model: index % 2 === 0 ? "native" : "translated",
      stream,
      reset: index % 3 === 0,
    };
    const spread = (index * 7919) % 100;
    if (!stream || index % 4 === 1) return { ...common, leaveAfterMs: (spread / 100) * PACE.waitMs };
    if (index % 4 === 2) return { ...common, leaveAfterEvents: PACE.chunks };
    return { ...common, leaveAfterEvents: 1 + (spread % (PACE.chunks - 1)) };
  });
}

async function runBatch(
  gateway: GatewayProgram,
  upstream: SlowUpstream,
  planned: readonly Visit[],
  tally: Tally,
): Promise<void> {
  const left = new Map<string, number>();
  const queue = planned.values();
  const worker = async (): Promise<void> => {
    for (const plan of queue) {
      const { leftAt } = await visit(gateway.port, gateway.key, plan);
      if (leftAt === undefined) continue;
      left.set(plan.id, leftAt);
      if (plan.stream) tally.streams += 1;
      else tally.whole += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await settled(gateway, upstream);
  for (const [id, leftAt] of left) {
    const exchange = upstream.exchange(id);
    // a client that left before its request was read has never reached the upstream
    if (exchange === undefined) continue;
    const endedAt = exchange.cutAt ?? exchange.completedAt ?? Number.POSITIVE_INFINITY;
    tally.noticedMs.push(Math.max(0, endedAt - leftAt));
  }
  upstream.forget();
}

/** Waits until nothing is going on, or long enough to say that it never ends. */
async function settled(gateway: GatewayProgram, upstream: SlowUpstream): Promise<void> {
  const until = performance.now() + SETTLE_MS;
  while (performance.now() < until) {
    const { activeCalls } = await gateway.state();
    if (activeCalls === 0 && upstream.busyConnections === 0) return;
    await sleep(20);
  }
}

function verdict(tally: Tally, heaps: readonly number[], activeCalls: number, busy: number): Check[] {
  const noticed = tally.noticedMs.toSorted((one, other) => one - other);
  const growth = (fromBatch: number): number =>
    ((heaps.at(-1) ?? Number.NaN) - (heaps[fromBatch - 1] ?? Number.NaN)) / ((BATCHES - fromBatch) * VISITS);
  return [
    atLeast("streams left early", tally.streams, 1_000, ""),
    atLeast("plain calls left early", tally.whole, 200, ""),
    atMost("upstream connections in the middle of a reply", busy, 0, ""),
    atMost("running calls", activeCalls, 0, ""),
    atMost("upstream notices, p99", noticed[Math.floor(noticed.length * 0.99)] ?? Number.NaN, 100, "ms"),
    atMost("upstream notices, longest", noticed.at(-1) ?? Number.NaN, 100, "ms"),
    atMost("heap growth per call from batch 2", growth(2), MOST_BYTES_PER_CALL, "bytes"),
    atMost(`heap growth per call from batch ${BATCHES / 2}`, growth(BATCHES / 2), MOST_BYTES_PER_LATE_CALL, "bytes"),
  ];
}
