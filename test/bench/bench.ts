import type { Check } from "../checks.ts";
import { atLeast, atMost } from "../checks.ts";
import type { ChildProgram } from "../child-program.ts";
import type { BenchOptions } from "./bench-options.ts";
import { startGatewayOnce } from "./gateway-start.ts";
import type { Cell, Running, Sample } from "./measure.ts";
import { Measurer, median } from "./measure.ts";
import { Rows, summary, table } from "./rows.ts";
import type { Target } from "./targets.ts";
import {
  DIRECT,
  EXPRESS,
  EXPRESS_TRANSLATED,
  FLOOR,
  LOAD_CORE,
  NATIVE,
  portkey,
  startProgram,
  TRANSLATED,
} from "./targets.ts";

const CONNECTIONS = [1, 32, 128] as const;
const PLAIN: readonly Cell[] = CONNECTIONS.map((connections) => ({ streamed: false, connections }));
const STREAMED: readonly Cell[] = CONNECTIONS.map((connections) => ({ streamed: true, connections }));
const PACED: Cell = { streamed: true, connections: 64, paced: true };
const BUSIEST: Cell = { streamed: false, connections: 128 };

export interface BenchResult {
  readonly checks: readonly Check[];
  readonly rows: readonly Readonly<Record<string, string | number>>[];
}

export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const bench = new Bench(options);
  await bench.open();
  for (const section of options.sections) {
    if (section === "start") await bench.start();
    else if (section === "plain") await bench.rounds(PLAIN);
    else if (section === "streamed") await bench.rounds(STREAMED);
    else if (section === "paced") await bench.paced();
    else await bench.memory();
  }
  return bench.result();
}

class Bench {
  readonly #options: BenchOptions;
  readonly #targets: readonly Target[];
  readonly #rows = new Rows();
  readonly #checks: Check[] = [];
  readonly #running = new Map<string, Running>();
  #upstream!: ChildProgram;
  #measurer!: Measurer;

  constructor(options: BenchOptions) {
    this.#options = options;
    const { only } = options;
    const other = portkey(options.portkey);
    if (other === undefined && options.portkey !== undefined) {
      throw new Error(`@portkey-ai/gateway is not installed in ${options.portkey}`);
    }
    this.#targets = [
      DIRECT,
      FLOOR,
      NATIVE,
      EXPRESS,
      TRANSLATED,
      EXPRESS_TRANSLATED,
      ...(other === undefined ? [] : [other]),
    ].filter(({ name }) => name === FLOOR.name || only.length === 0 || only.some((part) => name.includes(part)));
  }

  async open(): Promise<void> {
    this.#upstream = await startProgram("upstream", LOAD_CORE);
    this.#measurer = new Measurer(await startProgram("load", LOAD_CORE), this.#upstream);
    for (const { name, about } of this.#targets) console.log(`  ${name.padEnd(20)} ${about}`);
  }

  /** From the start of the process to the first answer to a chat request. */
  async start(): Promise<void> {
    for (const target of [FLOOR, NATIVE]) {
      if (!this.#targets.includes(target)) continue;
      const times: number[] = [];
      const idle: number[] = [];
      for (let count = 0; count < this.#options.pace.starts; count++) {
        const startedAt = performance.now();
        const running = await this.#launch(target);
        await this.#measurer.first(running);
        times.push(performance.now() - startedAt);
        idle.push((await running.program?.usage())?.rssBytes ?? Number.NaN);
        await running.program?.stop();
      }
      console.log(`start of ${target.name}: ${median(times).toFixed(0)} ms, ${megabytes(median(idle))} MB`);
    }
    await this.#startOfGateway();
  }

  /** The gateway that everybody starts with `npm start`, built. */
  async #startOfGateway(): Promise<void> {
    const starts = [];
    for (let count = 0; count < this.#options.pace.starts; count++) starts.push(await startGatewayOnce());
    const first = median(starts.map(({ firstAnswerMs }) => firstAnswerMs));
    const idle = median(starts.map(({ idleRssBytes }) => idleRssBytes));
    console.log(`start of examples/gateway: ${first.toFixed(0)} ms, idle ${megabytes(idle)} MB`);
    this.#checks.push(atMost("start of the gateway to its first answer", first, 400, "ms"));
    this.#checks.push(atMost("idle memory of the gateway", idle / 1024 / 1024, 100, "MB"));
  }

  /** Every target in every cell, round by round, there and back, so that slow changes of the machine fall on all. */
  async rounds(cells: readonly Cell[]): Promise<void> {
    const { pace } = this.#options;
    const streamed = cells[0]?.streamed === true;
    const running = await this.#runningTargets();
    for (const each of [...running]) {
      try {
        await this.#measurer.warmUp(each, streamed, pace.warmUpMs);
      } catch (error) {
        // another vendor's gateway may not be able to do everything; ours must
        if (!each.target.name.startsWith("portkey")) throw error;
        console.log(`${each.target.name} cannot do this: ${String(error).slice(0, 120)}`);
        running.splice(running.indexOf(each), 1);
      }
    }
    for (let round = 0; round < pace.rounds; round++) {
      for (const cell of cells) {
        for (const each of round % 2 === 0 ? running : running.toReversed()) {
          this.#rows.add(each.target.name, cell, await this.#measurer.slice(each, cell, pace.sliceMs));
        }
      }
    }
    this.#print(cells);
    if (streamed) this.#checkStreamed();
    else this.#checkPlain();
  }

  async paced(): Promise<void> {
    const { pace } = this.#options;
    const running = (await this.#runningTargets()).filter(
      ({ target }) => target !== DIRECT && !target.name.startsWith("portkey"),
    );
    for (const each of running) await this.#measurer.warmUp(each, true, pace.warmUpMs);
    for (let round = 0; round < Math.ceil(pace.rounds / 2); round++) {
      for (const each of round % 2 === 0 ? running : running.toReversed()) {
        this.#rows.add(each.target.name, PACED, await this.#measurer.slice(each, PACED, pace.pacedMs));
      }
    }
    this.#print([PACED]);
    this.#ratio("first chunk, 64 paced streams, to floor", NATIVE, PACED, "firstChunkMs", atMost, 1.5);
  }

  /** Fresh processes: what they hold before any load, and after a while of the heaviest. */
  async memory(): Promise<void> {
    const { memoryMs } = this.#options.pace;
    const loaded = new Map<Target, number>();
    for (const target of [FLOOR, NATIVE]) {
      if (!this.#targets.includes(target)) continue;
      const running = await this.#launch(target);
      await this.#measurer.first(running);
      const idle = (await running.program?.usage())?.rssBytes ?? Number.NaN;
      await this.#measurer.once(running, BUSIEST, memoryMs);
      const after = (await running.program?.usage())?.rssBytes ?? Number.NaN;
      await running.program?.stop();
      loaded.set(target, after);
      console.log(
        `memory of ${target.name}: ${megabytes(idle)} MB idle, ${megabytes(after)} MB after ${memoryMs / 1000} s`,
      );
      if (target === NATIVE) this.#checks.push(atMost("memory idle", idle / 1024 / 1024, 100, "MB"));
    }
    if (!loaded.has(NATIVE)) return;
    const ratio = (loaded.get(NATIVE) ?? Number.NaN) / (loaded.get(FLOOR) ?? Number.NaN);
    this.#checks.push(atMost(`memory after ${memoryMs / 1000} s at 128, to floor`, ratio, 1.2, "x floor"));
  }

  result(): BenchResult {
    return { checks: this.#checks, rows: this.#rows.all().map(summary) };
  }

  #checkPlain(): void {
    for (const cell of PLAIN.slice(1)) {
      const at = `at ${cell.connections}, to floor`;
      this.#ratio(`requests/s same dialect on node:http ${at}`, NATIVE, cell, "requestsPerSecond", atLeast, 0.8);
      this.#ratio(`requests/s same dialect in Express ${at}`, EXPRESS, cell, "requestsPerSecond", atLeast, 0.7);
      this.#ratio(`requests/s translated on node:http ${at}`, TRANSLATED, cell, "requestsPerSecond", atLeast, 0.55);
    }
    this.#ratio("p99 at 128, to floor", NATIVE, BUSIEST, "p99Ms", atMost, 2);
    const alone = PLAIN[0] as Cell;
    const added = this.#rows.paired(NATIVE.name, FLOOR.name, alone, (ours, floor) => ours.p50Ms - floor.p50Ms);
    if (this.#targets.includes(NATIVE)) this.#checks.push(atMost("p50 at 1, over floor", added, 0.1, "ms"));
  }

  #checkStreamed(): void {
    for (const cell of STREAMED.slice(1)) {
      const name = `chunks/s same dialect on node:http at ${cell.connections}, to floor`;
      this.#ratio(name, NATIVE, cell, "chunksPerSecond", atLeast, 0.8);
    }
  }

  /** The median of a figure's ratios to the floor's of the same round. */
  #ratio(
    name: string,
    target: Target,
    cell: Cell,
    figure: keyof Sample,
    check: (name: string, value: number, limit: number, unit: string) => Check,
    limit: number,
  ): void {
    if (!this.#targets.includes(target)) return;
    const value = this.#rows.paired(target.name, FLOOR.name, cell, (ours, floor) => ours[figure] / floor[figure]);
    this.#checks.push(check(name, value, limit, "x floor"));
  }

  async #runningTargets(): Promise<Running[]> {
    for (const target of this.#targets) {
      if (this.#running.has(target.name)) continue;
      const running = await this.#launch(target);
      await this.#measurer.first(running);
      this.#running.set(target.name, running);
    }
    return [...this.#running.values()];
  }

  async #launch(target: Target): Promise<Running> {
    const { port } = this.#upstream.ready;
    const child = await target.start?.(`http://127.0.0.1:${port}`);
    return { target, port: child?.ready.port ?? port, program: child };
  }

  #print(cells: readonly Cell[]): void {
    const lines = this.#rows.all().filter(({ cell }) => cells.includes(cell));
    console.log(`\n${table(lines.map(summary))}\n`);
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
