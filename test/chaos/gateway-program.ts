import { fileURLToPath } from "node:url";
import { ChildProgram } from "../child-program.ts";

const KEY = "sk-chaos-0123456789abcdefghijklmnopqrstuvwxyz";

/** What a gateway holds at a moment. */
export interface GatewayState {
  readonly activeCalls: number;
  /** After a full garbage collection. */
  readonly heapBytes: number;
}

/** A gateway in a process of its own, from source, with the models `native` and `translated` at one upstream. */
export class GatewayProgram {
  readonly port: number;
  readonly key: string = KEY;
  readonly #program: ChildProgram;

  private constructor(program: ChildProgram) {
    this.#program = program;
    this.port = program.ready.port;
  }

  static async start(upstreamUrl: string): Promise<GatewayProgram> {
    const program = await ChildProgram.start(path("programs/gateway.ts"), {
      probe: path("../probe.ts"),
      node: ["--conditions=@signalbox/source", "--expose-gc"],
      arguments: [upstreamUrl, KEY],
    });
    return new GatewayProgram(program);
  }

  state(): Promise<GatewayState> {
    return this.#program.ask("state");
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}

function path(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
