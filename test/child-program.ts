import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

const started = new Set<ChildProgram>();

export interface ProgramOptions {
  /** Path of probe.ts, or of what it was compiled to: the copy that the program imports. */
  readonly probe: string;
  readonly arguments?: readonly string[];
  /** Options for Node itself: `--expose-gc`. */
  readonly node?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Keep to this processor, where the system can do that. */
  readonly core?: number;
  /** The port of a program that is not one of ours: it sends no `ready`, and what it prints is not shown. */
  readonly foreign?: number;
}

/** What a process has used so far. */
export interface ProcessUsage {
  readonly cpuMs: number;
  readonly rssBytes: number;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A Node program in a process of its own that answers questions: see probe.ts. */
export class ChildProgram {
  readonly pid: number;
  /** What the program sent when it was ready, usually `{ port }`. */
  readonly ready: { readonly port: number };
  readonly #child: ChildProcess;
  readonly #waiting: Map<number, { resolve(value: unknown): void; reject(error: Error): void }> = new Map();
  #lastId = 0;

  private constructor(child: ChildProcess, ready: { readonly port: number }) {
    this.#child = child;
    this.pid = child.pid as number;
    started.add(this);
    this.ready = ready;
    child.on("message", (message: Answer) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.value);
      else waiting?.reject(new Error(message.error));
    });
    child.once("exit", (code, signal) => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(`the program ended (${signal ?? code})`));
    });
  }

  /** Ends every program that this process has started. */
  static async stopAll(): Promise<void> {
    await Promise.all([...started].map((program) => program.stop()));
  }

  /** Resolves when the program says that it is ready. */
  static async start(path: string, options: ProgramOptions): Promise<ChildProgram> {
    const command = [
      process.execPath,
      "--import",
      options.probe,
      ...(options.node ?? []),
      path,
      ...(options.arguments ?? []),
    ];
    if (options.core !== undefined && canPin()) command.unshift("taskset", "-c", String(options.core));
    const [first, ...rest] = command;
    const child = spawn(first as string, rest, {
      stdio: ["ignore", options.foreign === undefined ? "inherit" : "ignore", "inherit", "ipc"],
      // keeps NaN, which JSON does not
      serialization: "advanced",
      env: { ...process.env, NODE_ENV: "production", ...options.environment },
    });
    if (options.foreign !== undefined) return new ChildProgram(child, { port: options.foreign });
    const failed = once(child, "exit").then(([code]) => {
      throw new Error(`${path} ended with ${code} before it was ready`);
    });
    const [ready] = await Promise.race([once(child, "message"), failed]);
    return new ChildProgram(child, ready as { port: number });
  }

  /** Sends a question to the program and waits for its answer. */
  ask<Value>(question: string, detail?: unknown): Promise<Value> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<Value>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ id, question, detail });
    });
  }

  usage(): Promise<ProcessUsage> {
    return this.ask("usage");
  }

  /** Whether it still runs; a stopped one (SIGSTOP) does. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal, and waits for nothing. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when it has ended: with its exit code, or undefined when a signal has ended it. */
  async ended(): Promise<number | undefined> {
    if (this.running) await once(this.#child, "exit");
    started.delete(this);
    return this.#child.exitCode ?? undefined;
  }

  async stop(): Promise<void> {
    started.delete(this);
    if (!this.running) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}

/** Whether processes can be kept to one processor here. */
export function canPin(): boolean {
  return process.platform === "linux" && spawnSync("taskset", ["-c", "0", "true"]).status === 0;
}
