// Makes load: keeps a number of connections busy for a while and tells what came back.
import { setTimeout as sleep } from "node:timers/promises";
import { answer, ready } from "../../probe.ts";
import { LoadConnection } from "../load-connection.ts";
import type { LoadJob, LoadReport } from "../load-job.ts";

function requestBytes(job: LoadJob): Buffer {
  return Buffer.from(
    `POST ${job.path} HTTP/1.1\r\nhost: 127.0.0.1:${job.port}\r\ncontent-type: application/json\r\n` +
      `accept: ${job.streamed ? "text/event-stream" : "application/json"}\r\n` +
      Object.entries(job.headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("") +
      `content-length: ${Buffer.byteLength(job.body)}\r\n\r\n${job.body}`,
  );
}

/** Sends one request; resolves when the reply is complete. */
function once(job: LoadJob): Promise<number> {
  return new Promise((resolve, reject) => {
    const connection = new LoadConnection(job.port, requestBytes(job), {
      firstChunk: () => undefined,
      reply(afterMs) {
        connection.stop();
        resolve(afterMs);
      },
      failed: (reason) => reject(new Error(reason)),
    });
    connection.start();
  });
}

async function run(job: LoadJob): Promise<LoadReport> {
  const request = requestBytes(job);
  const latencies: number[] = [];
  const firstChunks: number[] = [];
  const failures: string[] = [];
  let counting = false;
  let replies = 0;
  let chunks = 0;
  const observer = {
    firstChunk(afterMs: number): void {
      if (counting) firstChunks.push(afterMs);
    },
    reply(afterMs: number, count: number): void {
      if (!counting) return;
      replies += 1;
      chunks += count;
      latencies.push(afterMs);
    },
    failed(reason: string): void {
      failures.push(reason);
    },
  };
  const connections = Array.from({ length: job.connections }, () => new LoadConnection(job.port, request, observer));
  for (const connection of connections) {
    connection.start();
    if (job.rampMs > 0) await sleep(job.rampMs / job.connections);
  }
  await sleep(job.settleMs);
  counting = true;
  const startedAt = performance.now();
  await sleep(job.durationMs);
  const durationMs = performance.now() - startedAt;
  counting = false;
  for (const connection of connections) connection.stop();
  return {
    durationMs,
    replies,
    chunks,
    latencyMs: quantiles(latencies),
    firstChunkMs: quantiles(firstChunks),
    failures: failures.slice(0, 3),
  };
}

function quantiles(values: number[]): { p50: number; p99: number } {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

answer("run", run);
answer("once", once);
ready(0);
