import type { ChildProgram } from "../child-program.ts";
import type { LoadJob, LoadReport } from "./load-job.ts";
import { busyMs, processMs } from "./machine.ts";
import type { Target } from "./targets.ts";
import { chatBody } from "./wire.ts";

/** A target that runs. */
export interface Running {
  readonly target: Target;
  readonly port: number;
  /** Undefined for the upstream itself. */
  readonly program: ChildProgram | undefined;
}

/** One way to load a target. */
export interface Cell {
  readonly streamed: boolean;
  readonly connections: number;
  /** One chunk per 10 ms instead of as fast as possible. */
  readonly paced?: boolean;
}

/** What one slice of load has shown. */
export interface Sample {
  readonly requestsPerSecond: number;
  readonly chunksPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly firstChunkMs: number;
  /** Processor time of the target per request. NaN for the upstream itself. */
  readonly cpuMicros: number;
  /** Share of its processor that the target used. */
  readonly cpuShare: number;
  readonly rssMegabytes: number;
  /** Processors that others on this machine kept busy meanwhile. */
  readonly noise: number;
}

/** More than this of one processor in other hands makes a slice worth repeating. */
const MAX_NOISE = 0.1;
/** In a whole run: on a machine that is never quiet it must end all the same. */
const MOST_REPEATS = 40;
const STREAM_MS = 1_000;

export class Measurer {
  readonly #load: ChildProgram;
  readonly #upstream: ChildProgram;
  #repeats = 0;

  constructor(load: ChildProgram, upstream: ChildProgram) {
    this.#load = load;
    this.#upstream = upstream;
  }

  /** Loads a target for a while; once more, if others used the machine meanwhile, and the quieter slice counts. */
  async slice(running: Running, cell: Cell, durationMs: number): Promise<Sample> {
    const first = await this.once(running, cell, durationMs);
    if (first.noise <= MAX_NOISE || this.#repeats >= MOST_REPEATS) return first;
    this.#repeats += 1;
    const second = await this.once(running, cell, durationMs);
    return second.noise < first.noise ? second : first;
  }

  /** Lets the engine see the code that will be measured. */
  async warmUp(running: Running, streamed: boolean, durationMs: number): Promise<void> {
    await this.once(running, { streamed, connections: 32 }, durationMs);
  }

  /** One request; resolves when it has been answered. */
  async first(running: Running): Promise<void> {
    await this.#load.ask("once", job(running, { streamed: false, connections: 1 }, 0));
  }

  async once(running: Running, cell: Cell, durationMs: number): Promise<Sample> {
    const { program } = running;
    const others = this.#others(program);
    const before = await program?.usage();
    const startedAt = performance.now();
    const report = await this.#load.ask<LoadReport>("run", job(running, cell, durationMs));
    const elapsedMs = performance.now() - startedAt;
    const after = await program?.usage();
    if (report.failures.length > 0) throw new Error(`${running.target.name}: ${report.failures.join("; ")}`);
    const cpuMs = after === undefined || before === undefined ? Number.NaN : after.cpuMs - before.cpuMs;
    const requestsPerSecond = (report.replies * 1000) / report.durationMs;
    return {
      requestsPerSecond,
      chunksPerSecond: (report.chunks * 1000) / report.durationMs,
      p50Ms: report.latencyMs.p50,
      p99Ms: report.latencyMs.p99,
      firstChunkMs: report.firstChunkMs.p50,
      // requests outside the counted time cost as much as those within
      cpuMicros: (cpuMs * 1000) / ((requestsPerSecond * elapsedMs) / 1000),
      cpuShare: cpuMs / elapsedMs,
      rssMegabytes: (after?.rssBytes ?? Number.NaN) / 1024 / 1024,
      noise: others() / elapsedMs,
    };
  }

  /** Processor time that nobody who takes part in the measurement has used since this call. */
  #others(program: ChildProgram | undefined): () => number {
    const pids = [process.pid, this.#load.pid, this.#upstream.pid, ...(program === undefined ? [] : [program.pid])];
    const foreign = (): number => (busyMs() ?? 0) - pids.reduce((sum, pid) => sum + processMs(pid), 0);
    const before = foreign();
    return () => Math.max(0, foreign() - before);
  }
}

function job({ target, port }: Running, cell: Cell, durationMs: number): LoadJob {
  const paced = cell.paced === true;
  return {
    port,
    path: target.path,
    headers: target.headers,
    body: chatBody({ model: "bench", stream: cell.streamed, paced }),
    streamed: cell.streamed,
    connections: cell.connections,
    rampMs: paced ? STREAM_MS : 0,
    settleMs: paced ? 0 : Math.min(200, durationMs / 4),
    durationMs,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
