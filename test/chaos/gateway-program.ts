import { fileURLToPath } from "node:url";
import { ChildProgram } from "../child-program.ts";

const KEY = "sk-chaos-0123456789abcdefghijklmnopqrstuvwxyz";

/** What a gateway holds at a moment. */
export interface GatewayState {
  readonly activeCalls: number;
  /** After a full garbage collection. */
  readonly heapBytes: number;
}

export interface GatewayProgramOptions {
  /** Default: the models `native` and `translated` at one upstream. */
  readonly program?: string;
  readonly arguments?: readonly string[];
}

/** A gateway in a process of its own, from source. */
export class GatewayProgram {
  readonly port: number;
  readonly key: string = KEY;
  readonly #program: ChildProgram;

  private constructor(program: ChildProgram) {
    this.#program = program;
    this.port = program.ready.port;
  }

  /** The program is told the upstream, the key that it shall ask for, and whatever else. */
  static async start(upstreamUrl: string, options: GatewayProgramOptions = {}): Promise<GatewayProgram> {
    const program = await ChildProgram.start(path(options.program ?? "programs/gateway.ts"), {
      probe: path("../probe.ts"),
      node: ["--conditions=@signalbox/source", "--expose-gc"],
      arguments: [upstreamUrl, KEY, ...(options.arguments ?? [])],
    });
    return new GatewayProgram(program);
  }

  state(): Promise<GatewayState> {
    return this.#program.ask("state");
  }

  /** Asks what only this program answers. */
  ask<Value>(question: string): Promise<Value> {
    return this.#program.ask(question);
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}

function path(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
